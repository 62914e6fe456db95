// Bundles each entry of build/ (tsc's output) with ncc into dist/<entry>/index.js.
// ncc's --minify leaves lazy chunks as they are, so every emitted file is minified here, after ncc.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ncc from '@vercel/ncc'
import { transform } from 'esbuild'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const entries = ['main', 'post', 'sweep', 'cli', 'vm', 'node']

for (const entry of entries) {
  const out = path.join(root, 'dist', entry)
  await rm(out, { recursive: true, force: true })
  const { code, assets } = await ncc(path.join(root, 'build', `${entry}.js`), {
    cache: false,
    quiet: true,
    target: 'es2022',
  })
  const files = new Map([
    ['index.js', code],
    ...Object.entries(assets).map(([name, asset]) => [name, asset.source]),
  ])
  for (const [name, source] of files) {
    const target = path.join(out, name)
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, name.endsWith('.js') ? await minify(String(source)) : source)
  }
}

// What starts dist/node on a VM, where nothing else of the repository is.
for (const file of ['client/node.sh', 'node/as-root.sh']) {
  await copyFile(path.join(root, 'templates', file), path.join(root, 'dist/node', path.basename(file)))
}

async function minify(source) {
  const { code } = await transform(source, {
    minify: true,
    target: 'node24',
    format: 'esm',
    legalComments: 'none',
  })
  return code
}
