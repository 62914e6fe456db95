import { packageRoot } from './env.ts'; console.log('vm', packageRoot()); if (process.argv[9]) { const x = await import('./errors.ts'); console.log(x) }
