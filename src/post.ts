import { packageRoot } from './env.ts'; console.log('post', packageRoot()); if (process.argv[9]) { const x = await import('./errors.ts'); console.log(x) }
