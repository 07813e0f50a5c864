// Random programs do on both engines what the dialect says they mean (test/property/): the same three hundred under
// CI=true, other ones each time elsewhere; the seed is printed.
// Time limit: 900 s

import t from 'tap'
import { testPrograms } from '../../property/report.ts'

t.setTimeout(900_000)
t.test('random programs', async t => testPrograms(t, 300, process.env.CI === 'true' ? 1000 : Date.now() % 1_000_000_000))
