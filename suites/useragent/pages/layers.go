package pages

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// What stands on and in a banner that asks about cookies.
var (
	cookieWords = list(`cookie*`, `çerez*`, `クッキー`, `쿠키`)
	// grantWords are on no such banner: they ask for more than cookies.
	grantWords = list(`wants|would like to access|your account|authorize|authorise|user code|device code|scope*|grant*|sign in|log in`,
		`möchte|konto|benutzercode|berechtigung*|anmelden`, `souhaite|votre compte|connecter`, `quiere|su cuenta|tu cuenta|permiso*`)
	// deviceWords are on no banner that must be known by its text alone.
	deviceWords = list(`device|television|tv|app|application|client`, `gerät|anwendung`, `appareil`, `dispositivo|aplicación`)
	// aboutAll answers a banner and, on a page that speaks of cookies, nothing else.
	aboutAll = list(`accept all|allow all|agree to all|reject all|decline all|deny all|refuse all|only necessary|necessary only|essential only|only essential|strictly necessary|accept necessary|accept essential|without accepting|got it|understood`,
		`alle akzeptieren|alles akzeptieren|alle annehmen|alle zulassen|alle ablehnen|alles ablehnen|nur notwendige|nur erforderliche|nur essenzielle|verstanden`,
		`tout accepter|tout refuser|sans accepter|compris`, `aceptar todo*|rechazar todo*|solo necesarias|entendido`)
	leastCookies = list(`necessary|essential|required|without accepting`, `notwendige*|erforderliche*|essenzielle*`,
		`nécessaires|sans accepter`, `necesarias|esenciales`)
	bannerMenus = list(`settings|preferences|manage|customi*|options|choices|partners|policy|more|details`,
		`einstellungen|anpassen|auswahl|mehr`, `paramétr*|personnaliser|préférences|plus`, `configur*|personalizar|preferencias|más`)
	closeWords = list(`close|dismiss`, `schließen`, `fermer`, `cerrar`)
	// refusals say no in words that mean nothing else, as "no" and "cancel" may.
	refusals = list(`deny|decline*|reject*|refuse|disallow|block|don t allow|do not allow`,
		`ablehnen|verweigern|nicht erlauben|nicht zulassen|nicht zustimmen`,
		`refuser|rejeter|ne pas autoriser`, `denegar|rechazar|no permitir|no autorizar`)
	yesWords = list(`yes|ok|confirm`, `ja|bestätigen`, `oui|confirmer`, `sí|confirmar`)
	noWords  = list(`no|don t|do not|cancel`, `nein|nicht|abbrechen`, `non|ne pas|annuler`, `cancelar`)
)

// layers are what lies over the page, or beside what it asks for.
type layers struct {
	// banners says of each layer whether it is a cookie banner.
	banners []bool
	// cover is the layer over what the page asks for, from 1; 0: none.
	cover int
	// dismiss is the control that closes a cookie banner over the page.
	dismiss int
}

// findLayers looks for what covers the controls that the page would have without it.
func findLayers(s *Snapshot, banners []bool) layers {
	l := layers{banners: banners, dismiss: none}
	if !slices.ContainsFunc(s.Elements, func(e Element) bool { return e.Under > 0 }) {
		return l
	}
	whole := *s
	whole.Elements = slices.Clone(s.Elements)
	for i := range whole.Elements {
		whole.Elements[i].Under = 0
	}
	all := look(&whole, banners)
	for _, i := range append([]int{all.user, all.password, all.approve, all.deny}, all.code...) {
		if i != none && s.Elements[i].Under > 0 {
			l.cover = s.Elements[i].Under
		}
	}
	if l.cover == 0 {
		return l
	}
	best := 0
	for i := range s.Elements {
		e := &s.Elements[i]
		if score := dismissScore(e); l.inBanner(e) && score > best {
			l.dismiss, best = i, score
		}
	}
	return l
}

// findBanners tells which layers are cookie banners: they speak of cookies and not
// of the grant, and they are not all that the page has.
func findBanners(s *Snapshot) []bool {
	banners := make([]bool, len(s.Layers))
	for n, l := range s.Layers {
		if cookieWords.in(l.Text) == "" || grantWords.in(l.Text) != "" {
			continue
		}
		rest := len(s.Text) - len(l.Text)
		for i := range s.Elements {
			if e := &s.Elements[i]; e.Group == n+1 {
				rest -= len(e.Label)
			}
		}
		banners[n] = rest >= leastRest && deviceWords.in(l.Text) == ""
		for i := range s.Elements {
			e := &s.Elements[i]
			beside := e.Group != n+1 && e.Visible && e.Kind != Link && e.Kind != Hidden && e.Kind != Other
			own := e.Group == n+1 && aboutAll.in(e.Label) != ""
			banners[n] = banners[n] || beside || own
		}
	}
	return banners
}

// leastRest is from how many bytes a page says something beside a banner.
const leastRest = 20

// inBanner reports whether an element answers a cookie banner.
func (l *layers) inBanner(e *Element) bool {
	return e.Group > 0 && e.Group <= len(l.banners) && l.banners[e.Group-1]
}

// dismissScore rates a control of a cookie banner: declining goes before accepting.
func dismissScore(e *Element) int {
	says := e.says()
	switch {
	case !e.pressable():
		return 0
	case denyWords.in(says) != "" || leastCookies.in(says) != "":
		return 4
	case bannerMenus.in(says) != "":
		return 0
	case approveWords.in(says) != "" || aboutAll.in(says) != "":
		return 3
	case continueWords.in(says) != "":
		return 2
	case closeWords.in(says) != "":
		return 1
	}
	return 0
}

// aboutCookies reports whether a button speaks of cookies, wherever it stands: by
// itself, or as "Accept all" in a part of the page that does.
func (s *Snapshot) aboutCookies(e *Element) bool {
	says, around := e.says(), s.Text
	if e.Group > 0 && e.Group <= len(s.Layers) {
		around = s.Layers[e.Group-1].Text
	}
	return cookieWords.in(says) != "" || aboutAll.in(says) != "" && cookieWords.in(around) != "" && grantWords.in(around) == ""
}

// asksToRefuse reports whether the element is in a dialog over the page that asks
// whether to refuse, so that yes means no.
func (s *Snapshot) asksToRefuse(e *Element) bool {
	if e.Group == 0 || !slices.ContainsFunc(s.Elements, func(e Element) bool { return e.Under > 0 }) {
		return false
	}
	asked := s.Layers[e.Group-1].Text
	return refusals.in(asked) != "" && approveWords.in(asked) == ""
}

// Covered names what lies over the controls of the page, "" if nothing does.
func (v *Sighting) Covered() string {
	if v.cover == 0 {
		return ""
	}
	l := v.Layers[v.cover-1]
	return Tidy(cmp.Or(l.Text, l.Name, "an overlay"), maxCover)
}

// maxCover bounds what is quoted of a layer.
const maxCover = 80

// Banner reports whether the page is to be rid of a cookie banner first.
func (v *Sighting) Banner() bool { return v.dismiss != none && v.Role == RoleInterstitial }

// front is what can be read before what is covered: the cover and what its buttons
// belong to.
func (v *Sighting) front() string {
	said := []string{v.Layers[v.cover-1].Text}
	for i := range v.Elements {
		e := &v.Elements[i]
		if e.usable() && e.Group > 0 && !slices.Contains(said, v.Layers[e.Group-1].Text) {
			said = append(said, v.Layers[e.Group-1].Text)
		}
	}
	return strings.Join(said, " · ")
}

// guessBehind tells the role of a page whose own controls are covered by what is no
// question: a word about the end, or nothing that anybody could go on with.
func (v *Sighting) guessBehind(earlier []string) (role, reason string) {
	said := v.front()
	for _, end := range []struct {
		role  string
		words phrases
	}{{RoleDenied, deniedWords}, {RoleError, errorWords}, {RoleSuccess, successWords}} {
		if word := end.words.stated(said, earlier); word != "" {
			return end.role, fmt.Sprintf("the text over the page says %q", word)
		}
	}
	return "", fmt.Sprintf("the page's controls are covered by %q", v.Covered())
}
