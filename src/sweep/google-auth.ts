/** Of Google's SDK what the sweeper uses, loaded when it does: tokens. The API itself is four requests. */
export { GoogleAuth } from 'google-auth-library'
