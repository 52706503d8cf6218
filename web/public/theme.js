// Runs before the first paint, from its own file: the content security policy allows no inline script.
;(() => {
  let theme = null
  try {
    theme = localStorage.getItem('whittle.theme')
  } catch {
    // Storage may be switched off; the system's choice stands.
  }
  if (theme !== 'light' && theme !== 'dark') {
    theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'
  }
  document.documentElement.dataset.theme = theme
})()
