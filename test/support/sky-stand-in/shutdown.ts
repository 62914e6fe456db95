/** `shutdown -h +MINUTES`, `shutdown -h now` and `shutdown -c` on a machine of the stand-in cloud: it ends itself. */
import { ask } from './wire.ts'

const { SKY_STAND_IN: cloud = '', SKY_STAND_IN_NAME: name = '' } = process.env
const args = process.argv.slice(2)
const when = args.find(arg => /^(\+?\d+|now)$/.test(arg)) ?? '+1'
const minutes = args.includes('-c') ? -1 : when === 'now' ? 0 : Number(when)
await ask(cloud, { call: 'shutdown', name, minutes })
