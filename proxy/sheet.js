'use strict'
// The contact sheet works without this. It makes filters, search and sorting instant, copies snippets, has keys, and paints ThumbHashes.
{
  const $ = (selector, from = document) => from.querySelector(selector)
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)]
  const form = $('.find')
  const search = form.elements.q

  const say = (text) => {
    const said = $('#said')
    said.textContent = ''
    setTimeout(() => { said.textContent = text }, 50) // a change is announced; the same text again is none
  }

  // ThumbHash (evanw.github.io/thumbhash) of an opaque picture, as pixels: five bytes of header, then waves of 4 bits each, for lightness
  // and for two colours.
  const paint = (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
    const a = bytes[0] | bytes[1] << 8 | bytes[2] << 16
    const b = bytes[3] | bytes[4] << 8
    const wide = b >> 15
    const lx = Math.max(3, wide ? 7 : b & 7)
    const ly = Math.max(3, wide ? b & 7 : 7)
    let at = 10 // in half bytes
    const waves = (nx, ny, scale) => {
      const out = []
      for (let y = 0; y < ny; y++) {
        for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++, at++) {
          out.push({ x, y, by: ((bytes[at >> 1] >> (at % 2 * 4) & 15) / 7.5 - 1) * scale })
        }
      }
      return out
    }
    const light = waves(lx, ly, (a >> 18 & 31) / 31)
    const yellow = waves(3, 3, (b >> 3 & 63) / 63 * 1.25)
    const red = waves(3, 3, (b >> 9 & 63) / 63 * 1.25)
    const side = 20
    const width = wide ? side : Math.max(1, Math.round(side * lx / ly))
    const height = wide ? Math.max(1, Math.round(side * ly / lx)) : side
    const canvas = document.createElement('canvas')
    canvas.width = width
    canvas.height = height
    const context = canvas.getContext('2d')
    const pixels = context.createImageData(width, height)
    const sum = (first, list, x, y) => list.reduce((v, w) =>
      v + w.by * Math.cos(Math.PI / width * (x + 0.5) * w.x) * Math.cos(Math.PI / height * (y + 0.5) * w.y) * 2, first)
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i += 4) {
        const l = sum((a & 63) / 63, light, x, y)
        const p = sum((a >> 6 & 63) / 31.5 - 1, yellow, x, y)
        const q = sum((a >> 12 & 63) / 31.5 - 1, red, x, y)
        const blue = l - 2 / 3 * p
        const r = (3 * l - blue + q) / 2
        pixels.data.set([r, r - q, blue, 1].map((v) => Math.max(0, Math.min(1, v)) * 255), i)
      }
    }
    context.putImageData(pixels, 0, 0)
    return canvas.toDataURL()
  }

  // frame fills what a picture leaves of its box with the picture's own colours.
  const frame = (img) => {
    const shot = img.parentElement
    if (shot.style.backgroundImage) return
    const canvas = document.createElement('canvas')
    canvas.width = 6
    canvas.height = 4
    const context = canvas.getContext('2d')
    context.imageSmoothingQuality = 'high'
    context.drawImage(img, 0, 0, 6, 4)
    const pixels = context.getImageData(0, 0, 6, 4).data
    if (pixels.every((v, i) => i % 4 !== 3 || v === 255)) shot.style.backgroundImage = `url(${canvas.toDataURL()})`
  }

  // dress is for a page's content, whenever it is new.
  const dress = () => {
    for (const shot of $$('[data-thumbhash]')) {
      try {
        shot.style.backgroundImage = `url(${paint(shot.dataset.thumbhash)})`
        $('.tone', shot)?.remove()
      } catch { /* the colour stays */ }
    }
    for (const img of $$('.shot img')) {
      if (img.complete && img.naturalWidth) {
        img.classList.remove('lost')
        frame(img)
        continue
      }
      img.addEventListener('load', () => { img.classList.replace('lost', 'fresh') || img.classList.add('fresh'); frame(img) }, { once: true })
      img.addEventListener('error', () => img.classList.add('lost'), { once: true })
    }
    for (const button of $$('[data-copy], #make')) button.hidden = button.id === 'make' && !$('[data-missing]')
    for (const e of $$('.unjs')) e.hidden = true
    // The first look at a picture has the server fetch it: then there is more to say.
    const preview = $('#preview[data-unknown]')
    if (preview) {
      const again = () => load(location.href, { push: false })
      if (preview.complete && preview.naturalWidth) again()
      else preview.addEventListener('load', again, { once: true })
    }
  }

  let running
  // load shows another address of the sheet in this page.
  const load = async (url, { push = true, focus } = {}) => {
    running?.abort()
    running = new AbortController()
    const main = $('main')
    main.classList.add('busy')
    try {
      const response = await fetch(url, { signal: running.signal, headers: { Accept: 'text/html' } })
      if (!(response.headers.get('Content-Type') ?? '').startsWith('text/html')) throw new Error('no page')
      const page = new DOMParser().parseFromString(await response.text(), 'text/html')
      const next = $('main', page)
      const filter = document.activeElement?.dataset?.filter
      main.replaceWith(next)
      document.title = page.title
      if (push) history.pushState(null, '', url)
      const show = $('[name=show]', $('.find', page))
      $('[name=show]', form)?.remove()
      if (show) form.prepend(show)
      form.elements.sort.value = form.elements.sort === document.activeElement ? form.elements.sort.value : $('select', page).value
      if (search !== document.activeElement) search.value = $('.find', page).elements.q.value
      dress()
      if (filter !== undefined) $(`[data-filter="${filter}"]`)?.focus()
      else if (focus) { $(focus)?.focus(); scrollTo(0, 0) }
      const result = $('#result')
      if (result) say(result.textContent)
    } catch (error) {
      main.classList.remove('busy')
      if (error.name !== 'AbortError') location.assign(url) // the browser says what is wrong
    }
  }

  const wanted = () => {
    const query = new URLSearchParams()
    for (const [name, value] of new FormData(form)) {
      if (value && !(name === 'sort' && value === form.elements.sort.options[0].value)) query.set(name, value)
    }
    return '/' + (query.size ? '?' + query : '')
  }
  const submit = () => {
    const url = wanted()
    if ($('main').dataset.page !== 'list') location.assign(url)
    else if (url !== location.pathname + location.search) load(url)
  }
  let typing
  form.addEventListener('submit', (event) => { event.preventDefault(); clearTimeout(typing); submit() })
  form.elements.sort.addEventListener('change', submit)
  search.addEventListener('input', () => {
    clearTimeout(typing)
    if ($('main').dataset.page === 'list') typing = setTimeout(submit, 180)
  })
  addEventListener('popstate', () => load(location.href, { push: false }))

  const copy = async (button) => {
    const field = document.getElementById(button.dataset.copy)
    const title = $(`label[for="${field.id}"]`).textContent
    try {
      await navigator.clipboard.writeText(field.value)
      say(`${title} copied`)
      const label = button.lastChild.previousSibling
      label.textContent = 'Copied'
      setTimeout(() => { label.textContent = 'Copy' }, 2000)
    } catch { // no https, or not allowed
      field.focus()
      field.select()
      say(`${title} is selected: copy it with Control or Command and C`)
    }
  }

  const make = async (button) => {
    const open = $$('[data-missing]')
    const total = open.length
    let done = 0
    let failed = 0
    button.disabled = true
    const work = async () => {
      for (let link = open.shift(); link; link = open.shift()) {
        const response = await fetch(link.href).catch(() => null)
        if (response?.ok) link.classList.add('done')
        else failed++
        await response?.arrayBuffer().catch(() => null)
        button.textContent = `${++done} of ${total} …`
      }
    }
    await Promise.all([work(), work()]) // as many as a reader's browser would wait for, and fewer than the server makes
    await load(location.href, { push: false })
    say(failed ? `${total - failed} made, ${failed} could not be made` : `${total} made`)
    $('#files')?.scrollIntoView({ block: 'start' })
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('button')
    if (button?.dataset.copy) copy(button)
    else if (button?.id === 'make') make(button)
    const link = event.target.closest('.filters a, .pager a, a[data-reset]')
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    if (link.matches('[data-reset]')) search.value = ''
    load(link.href, link.dataset.filter === undefined ? { focus: '#result' } : {})
  })

  const keysOn = $('#keys-on')
  try {
    keysOn.checked = localStorage.getItem('keys') !== 'off'
    keysOn.addEventListener('change', () => localStorage.setItem('keys', keysOn.checked ? 'on' : 'off'))
  } catch { /* not kept, then */ }
  $('.keys').hidden = false

  const step = (by) => {
    const all = $$('.open')
    const now = all.indexOf(document.activeElement?.closest('.card') ? $('.open', document.activeElement.closest('.card')) : null)
    const next = all[Math.max(0, Math.min(all.length - 1, now + by))]
    next?.focus({ preventScroll: true })
    next?.closest('.card').scrollIntoView({ block: 'nearest' })
  }
  const follow = (selector) => { $(selector)?.click() }
  const keys = {
    '/': () => { search.focus(); search.select() },
    j: () => step(1),
    k: () => step(-1),
    ArrowLeft: () => follow('main [rel=prev]'),
    ArrowRight: () => follow('main [rel=next]'),
    Escape: () => follow('main .back, main a[data-reset]'),
  }
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return
    if (event.target === search && event.key === 'Escape') {
      event.preventDefault()
      if (search.value) { search.value = ''; submit() } else search.blur()
      return
    }
    const act = keys[event.key]
    if (!act || !keysOn.checked || event.target.closest('input, textarea, select, .scroll')) return
    event.preventDefault()
    act()
  })

  document.documentElement.classList.add('quick')
  dress()
}
