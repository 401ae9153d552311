/** Loads the module of the page that <body data-page="hotline_intake"> names: pages/hotline_intake.ts. */

const modules = import.meta.glob<{ start?: () => void }>('../pages/*.ts')

export async function startPage(): Promise<void> {
  const page = document.body.dataset.page
  if (!page) return
  const load = modules[`../pages/${page}.ts`]
  if (!load) return
  const module = await load()
  module.start?.()
}
