/** Entry of the cockpit: one screen, one socket, parts that redraw only what changed. */

import './styles/cockpit.css'
import { startCockpit } from './cockpit/main'

startCockpit()
