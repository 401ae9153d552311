import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

const root = import.meta.dirname
const ICONS = join(root, 'node_modules/@tabler/icons/icons/outline')
// {% icon "phone" %} in templates, icon="phone" in nav.py, icon('phone') in TypeScript.
const ICON_USE = /\bicon(?:\s*=\s*|\s*\(\s*|\s+)["']([a-z0-9-]+)["']/g

function* walk(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) yield* walk(path)
    else if (/\.(html|ts|py)$/.test(name)) yield path
  }
}

/** One sprite with exactly the icons that templates, navigation and modules name. */
function iconSprite(): Plugin {
  return {
    name: 'icon-sprite',
    generateBundle() {
      const names = new Set<string>()
      const places = [join(root, 'templates'), join(root, 'frontend/src')]
      const files = [...places.flatMap((place) => [...walk(place)]), join(root, 'commandcenter/nav.py')]
      for (const file of files) {
        for (const match of readFileSync(file, 'utf8').matchAll(ICON_USE)) names.add(match[1] as string)
      }
      const symbols: string[] = []
      for (const name of [...names].sort()) {
        let svg: string
        try {
          svg = readFileSync(join(ICONS, `${name}.svg`), 'utf8')
        } catch {
          this.warn(`no icon named ${name}`)
          continue
        }
        const inner = svg.replace(/<!--[\s\S]*?-->/g, '').replace(/^[\s\S]*?<svg[^>]*>/, '').replace('</svg>', '')
        symbols.push(`<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, ' ').trim()}</symbol>`)
      }
      const source = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>`
      this.emitFile({ type: 'asset', fileName: 'icons.svg', source })
    },
  }
}

export default defineConfig({
  root: resolve(root, 'frontend'),
  // Relative addresses: the bundle works under any STATIC_URL.
  base: './',
  publicDir: 'public',
  plugins: [iconSprite()],
  worker: { format: 'es' },
  build: {
    outDir: resolve(root, 'static_build'),
    emptyOutDir: true,
    manifest: 'manifest.json',
    // The workbench must not ship data: or inline parts that the content policy would refuse.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1800,
    rollupOptions: {
      input: {
        workbench: resolve(root, 'frontend/src/workbench.ts'),
        cockpit: resolve(root, 'frontend/src/cockpit.ts'),
        // The grid worker's service worker: an entry of its own, served from /grid/sw.js.
        grid_sw: resolve(root, 'frontend/src/pages/grid_sw.ts'),
      },
    },
  },
})
