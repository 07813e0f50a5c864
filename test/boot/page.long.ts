// The status page as a reader sees it: headless Chromium beside the guest, at a phone's width and a desk's, by day and by night. It loads
// without asking anybody else, tells the truth about the machine, and goes on by itself. Screenshots are left in build/page-*.png.
// Time limit: 120 s

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { Namespace } from '../namespace.ts'
import { need } from '../need.ts'
import { GUEST, HOST } from '../networked.ts'
import { booted } from '../qemu.ts'

const URL = `http://${GUEST.ip}/`
const READERS = [
  { name: 'phone', width: 390, height: 844, colorScheme: 'light' },
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark' },
  { name: 'desk', width: 1280, height: 900, colorScheme: 'light' },
] as const

/** Chromium in the namespace: it talks by the descriptors it inherits. */
async function browserIn(t: Test, namespace: Namespace): Promise<Browser> {
  const path = join(t.testdir(), 'chromium')
  writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${namespace.name} chromium "$@"\n`)
  chmodSync(path, 0o755)
  const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] })
  t.teardown(() => browser.close())
  return browser
}

const textOf = async (page: Page, id: string): Promise<string> => await page.locator(`#${id}`).innerText()

/** How light a colour is, 0 to 255, of `rgb(r, g, b)`. */
function lightness(colour: string): number {
  const parts = colour.match(/\d+/g)!.slice(0, 3).map(Number)
  return parts.reduce((sum, each) => sum + each, 0) / 3
}

await t.test('the status page in Chromium', async t => {
  if (!need(t, 'root', 'tun', { command: 'chromium' })) return
  const namespace = await Namespace.create(t, `${HOST.ip}/24`)
  const browser = await browserIn(t, namespace)
  await booted(t, 'a guest with the page', {
    append: `eth0=${GUEST.ip}/24,gw=${HOST.ip} swap=none`, namespace: namespace.name, args: namespace.card(GUEST.mac),
  }, async (t, machine) => {
    await machine.until(/net: up .*if=eth0/)
    for (const { name, width, height, colorScheme } of READERS) {
      await t.test(`${name}, ${width} wide`, async t => {
        const page = await browser.newPage({ viewport: { width, height }, colorScheme })
        const asked: string[] = []
        const complaints: string[] = []
        page.on('request', request => { asked.push(request.url()) })
        page.on('console', message => { complaints.push(message.text()) })
        page.on('pageerror', error => { complaints.push(error.message) })
        await page.goto(URL)
        await page.locator('#interfaces tr').first().waitFor()

        t.match(await page.locator('#interfaces').innerText(), `eth0\t${GUEST.ip}/24`)
        t.match(await textOf(page, 'log'), 'boot: ready')
        t.match(await textOf(page, 'memory'), /MiB/)
        t.match(await textOf(page, 'connections'), /\d/)
        const [uptime, packets] = [page.locator('#uptime'), page.locator('#interfaces tr:first-child td:nth-child(5)')]
        const [before, received] = [await uptime.innerText(), await packets.innerText()]
        await namespace.must('ping', ['-c', '20', '-i', '0.01', GUEST.ip])
        await uptime.filter({ hasNotText: before }).waitFor()
        await packets.filter({ hasNotText: received }).waitFor()

        t.same(complaints, [])
        t.same(asked.filter(each => !each.startsWith(URL) && !each.startsWith('data:')), [], 'nobody else is asked')
        t.ok(await page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), 'nothing sticks out at the side')
        const [ink, ground] = await page.evaluate<[string, string]>('[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]')
        t.equal(lightness(ground) < 128, colorScheme === 'dark', 'the ground is as dark as was asked for')
        t.ok(Math.abs(lightness(ink) - lightness(ground)) > 150, 'and the text stands out from it')
        mkdirSync('build', { recursive: true })
        await page.screenshot({ path: `build/page-${name}.png`, fullPage: true })
        await page.close()
      })
    }

    await t.test('a guest that is gone is said to be', async t => {
      const page = await browser.newPage()
      await page.goto(URL)
      await page.locator('#interfaces tr').first().waitFor()
      await machine.monitor('stop')
      await page.locator('#state.lost').waitFor()
      await machine.monitor('cont')
      await page.locator('#state:not(.lost)').waitFor()
      t.match(await textOf(page, 'log'), 'boot: ready')
      await page.close()
    })
    t.same(machine.events.filter(event => event.level === 'error').map(event => event.line), [])
  })
})
