// Random programs do on both engines what the dialect says they mean (test/property/). The same few every time;
// property.long.ts runs others, and many.

import t from 'tap'
import { testPrograms } from '../../property/report.ts'

t.setTimeout(110_000)
t.test('random programs', async t => testPrograms(t, 8, 1))
