package pages

import (
	"iter"
	"slices"
	"strings"
	"unicode"
)

// phrases are words to look for in a text: whole words, in lower case, with a
// star at the end where any ending will do.
type phrases []string

// The word lists, each in English, German, French and Spanish.
var (
	denyWords = list(`deny|denies|decline*|reject*|refuse|cancel|abort|no|disallow|don t allow|do not allow|not now|block|not me|it s not me`,
		`ablehnen|verweigern|abbrechen|abbruch|nein|nicht erlauben|nicht zulassen|nicht zustimmen`,
		`refuser|rejeter|annuler|non|ne pas autoriser`,
		`denegar|rechazar|cancelar|no permitir|no autorizar`)
	approveWords = list(`approve*|allow*|accept*|grant*|authorize|authorise|yes|confirm*|agree|i agree|permit|consent|connect|link device|trust`,
		`erlauben|zulassen|genehmigen|zustimmen|akzeptieren|bestätigen|gewähren|autorisieren|freigeben|ja|einwilligen|verbinden`,
		`autoriser|accepter|approuver|oui|confirmer|permettre|j autorise|consentir`,
		`autorizar|aceptar|aprobar|permitir|sí|confirmar|conceder`)
	continueWords = list(`continue|next|submit|proceed|send|go|verify|ok|activate|done`,
		`weiter|fortfahren|senden|absenden|prüfen|aktivieren`,
		`continuer|suivant|valider|envoyer|vérifier|activer`,
		`continuar|siguiente|enviar|verificar|activar`)
	loginWords = list(`sign in|signin|sign on|log in|login|log on`,
		`anmelden|einloggen|anmeldung`, `se connecter|connexion|s identifier`, `iniciar sesión|acceder|entrar|ingresar`)
	// What no journey presses by itself: other ways in, help, and furniture.
	strayWords = list(`sign in with|log in with|continue with|sign up|register|create account|create an account|forgot*|help|show|hide|toggle|resend|passkey|security key|language|menu|search|reset|back|clear|privacy|terms|close|switch account|log out|logout|sign out|cookie|cookies`,
		`registrieren|konto erstellen|vergessen|hilfe|anzeigen|sprache|zurück|löschen|datenschutz|impressum|schließen|abmelden|anmelden mit`,
		`s inscrire|créer un compte|oublié|aide|afficher|langue|retour|effacer|fermer|déconnexion|continuer avec`,
		`registrarse|crear cuenta|olvid*|ayuda|mostrar|idioma|volver|atrás|borrar|cerrar|continuar con`)

	codeWords  = list(`user code|usercode|device code|devicecode|code`, `benutzercode|gerätecode|code`, `code`, `código|codigo`)
	otherCodes = list(`zip|postal|country|promo|coupon|discount|area|language|postleitzahl`)
	secondWord = list(`otp|totp|mfa|2fa|two factor|two step|authenticator|sms|second factor|zweiter faktor|recovery code|backup code`)
	// A text field that is called so takes a password, unless it is for something else.
	passwordWords = list(`password|passwd|passphrase|pwd`, `passwort|kennwort`, `mot de passe`, `contraseña`)
	notPassword   = list(`email|e mail|mail|username|forgot*|reset|one time|code|otp|vergessen|einmal*|oublié|olvid*`)
	userWords     = list(`username|user name|userid|user id|user|login|email|e mail|mail|account|identifier|identity`,
		`benutzer*|anmeldename|konto|kennung`, `utilisateur|identifiant|courriel|nom d utilisateur`, `usuario|correo|cuenta|nombre de usuario`)

	successWords = list(`success*|approved|authorized|authorised|connected|you may close|you may now close|you can close|you can now close|close this|return to your device|device has been|completed|complete|congratulations|all set|thank you`,
		`erfolg*|genehmigt|verbunden|abgeschlossen|können sie schließen|freigegeben`,
		`succès|réussi*|autorisé|connecté|vous pouvez fermer|terminé*`,
		`éxito|autorizado|conectado|puede cerrar|completad*`)
	deniedWords = list(`denied|declined|rejected|refused|interrupted|cancelled|canceled|aborted`,
		`abgelehnt|verweigert|abgebrochen`, `refusé*|annulé*|rejeté*`, `denegad*|rechazad*|cancelad*`)
	errorWords = list(`invalid|incorrect|error|expired|not found|failed|failure|wrong|unknown|does not exist|doesn t exist|try again|not recognized|not recognised|unrecognized|went wrong|not valid|mismatch|already used|been used|not match|forbidden|too many`,
		`falsch*|ungültig*|fehler|abgelaufen|unbekannt*|fehlgeschlagen|nicht gefunden|erneut`,
		`invalide|incorrect*|erreur|expiré*|inconnu*|échoué|introuvable`,
		`inválid*|incorrect*|caducad*|desconocid*|fallid*|no encontrad*`)
	// badCode is for URLs, which hold the word code anyway.
	badCode = list(`code error|invalid code|code invalid|wrong code|bad code|unknown code|expired code|code expired|code not found|invalid user code`)
	// consentWords say that a page asks for a permission.
	consentWords = list(`wants|would like|requests|requesting|request|permission*|access|scope*|consent|authorize|authorise|grant*|allow|sharing|share`,
		`möchte|berechtigung*|zugriff|einwilligung|erlauben`, `souhaite|demande|autorisation*|accès|accéder|autoriser`, `quiere|solicita|permiso*|acceso|autorizar`)
	// notMe is on what lets another account log in.
	notMe = list(`not me|it s not me|not you|another account|other account|switch account`,
		`nicht ich|anderes konto`, `ce n est pas moi|autre compte`, `no soy yo|otra cuenta`)
	// goOnAs is on the button of somebody who is logged in already.
	goOnAs = list(`continue as|proceed as|go on as`, `weiter als|fortfahren als`, `continuer en tant que`, `continuar como`)
	// unwantedBoxes are not ticked: they outlive the journey.
	unwantedBoxes = list(`remember|keep me|stay signed|don t ask|do not ask|always|newsletter|marketing|merken|angemeldet bleiben|immer|se souvenir|toujours|recordar|siempre`)
)

func list(languages ...string) phrases {
	var out phrases
	for _, l := range languages {
		for w := range strings.SplitSeq(l, "|") {
			if strings.HasSuffix(w, "*") {
				out = append(out, " "+strings.TrimSuffix(w, "*"))
			} else {
				out = append(out, " "+w+" ")
			}
		}
	}
	return out
}

// in returns the first phrase that occurs in the text, or "".
func (p phrases) in(text string) string {
	text = words(text)
	for _, w := range p {
		if strings.Contains(text, w) {
			return strings.TrimSpace(w)
		}
	}
	return ""
}

// negations turn the words after them into their opposite; conditions make them
// no statement.
var (
	negations  = strings.Fields(`not no never cannot nor t without unable failed nicht kein keine keinen nie pas non jamais aucun aucune nunca sin`)
	conditions = strings.Fields(`if when once until unless will would should wenn sobald falls bis si lorsque quand cuando`)
)

// negated is how many words a negation reaches.
const negated = 4

// stated returns the first phrase that the text states: not in a question, not
// under a negation or a condition, and not as it stood on one of the earlier pages
// already, as a menu does.
func (p phrases) stated(text string, earlier []string) string {
	for _, w := range p {
		for clause := range clauses(text) {
			for at := strings.Index(clause, w); at >= 0; {
				if before := strings.Fields(clause[:at]); !denied(before) && !stood(clause, w, at, earlier) {
					return strings.TrimSpace(w)
				}
				next := strings.Index(clause[at+1:], w)
				if next < 0 {
					break
				}
				at += 1 + next
			}
		}
	}
	return ""
}

// clauses are the parts of a text between punctuation marks, in words; those of
// questions are left out.
func clauses(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(text) > 0 {
			end := strings.IndexAny(text, ".!?\n·")
			mark := byte(0)
			sentence := text
			if end >= 0 {
				sentence, mark, text = text[:end], text[end], text[end+1:]
			} else {
				text = ""
			}
			if mark == '?' {
				continue
			}
			for clause := range strings.FieldsFuncSeq(sentence, func(r rune) bool { return strings.ContainsRune(",;:()–—", r) }) {
				if !yield(words(clause)) {
					return
				}
			}
		}
	}
}

// denied says that the words before a phrase take it back.
func denied(before []string) bool {
	if slices.ContainsFunc(before, func(w string) bool { return slices.Contains(conditions, w) }) {
		return true
	}
	return slices.ContainsFunc(before[max(0, len(before)-negated):], func(w string) bool { return slices.Contains(negations, w) })
}

// stood says that an earlier page has the phrase between the same two words. Where
// they are all of a clause, "Access denied", they are a clause there, too: a page
// may well speak of "recently approved devices" before.
func stood(clause, phrase string, at int, earlier []string) bool {
	from := strings.LastIndex(clause[:at], " ") + 1
	rest := clause[at+len(phrase):]
	to := len(clause) - len(rest)
	if i := strings.IndexByte(rest, ' '); i >= 0 {
		to += i
	} else {
		to = len(clause)
	}
	context := " " + strings.TrimSpace(clause[from:to]) + " "
	return slices.ContainsFunc(earlier, func(page string) bool {
		if context != clause {
			return strings.Contains(words(page), context)
		}
		for said := range clauses(page) {
			if said == clause {
				return true
			}
		}
		return false
	})
}

// words spells a text or an identifier as lower-case words with one space
// around each: "userCode" and "user-code" become " user code ".
func words(s string) string {
	var b strings.Builder
	b.WriteByte(' ')
	lower := false
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			lower = false
			r = ' '
		case unicode.IsUpper(r) && lower:
			b.WriteByte(' ')
			lower = false
		default:
			lower = unicode.IsLower(r)
		}
		if r == ' ' && strings.HasSuffix(b.String(), " ") {
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	if !strings.HasSuffix(b.String(), " ") {
		b.WriteByte(' ')
	}
	return b.String()
}

// Bare returns a user code without case, dashes and spaces, to compare codes.
func Bare(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, code)
}

// Unseparated is a code without dashes, spaces and dots, in its own case.
func Unseparated(code string) string {
	return strings.NewReplacer("-", "", " ", "", ".", "").Replace(code)
}
