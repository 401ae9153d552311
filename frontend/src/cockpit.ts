/** Entry of the cockpit. */
import './styles/cockpit.css'
