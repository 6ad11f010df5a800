package pages_test

import (
	"fmt"
	"testing"

	"github.com/devicegrant/devicegrant/suites/useragent/pages"
)

// language is how a site words its pages: the code page's label and button, a word on
// a wrong code, the login's labels and button, the question, its two answers, and the
// two ends.
type language struct {
	lang                            string
	code, next, wrong               string
	user, password, login           string
	question, approve, deny         string
	approved, denied, maybe         string
	stay, no, yes, pick, second, by string
}

var languages = []language{
	{"en", "Enter the code", "Continue", "That code is invalid.", "User name", "Password", "Sign in",
		"The television wants access to your account.", "Allow", "Deny", "Your device is connected.", "The request was denied.", "Your device is not connected.",
		"Stay signed in?", "No", "Yes", "Choose an account", "Two-factor authentication", "Sign in with password"},
	{"de", "Geben Sie den Code ein", "Weiter", "Der Code ist ungültig.", "Benutzername", "Kennwort", "Anmelden",
		"Der Fernseher möchte Zugriff auf Ihr Konto.", "Zulassen", "Ablehnen", "Das Gerät ist verbunden.", "Die Anfrage wurde abgelehnt.", "Das Gerät ist nicht verbunden.",
		"Angemeldet bleiben?", "Nein", "Ja", "Konto auswählen", "Zwei-Faktor-Authentifizierung", "Mit Passwort anmelden"},
	{"fr", "Saisissez le code", "Suivant", "Ce code est inconnu.", "Nom d'utilisateur", "Mot de passe", "Se connecter",
		"Le téléviseur demande l'accès à votre compte.", "Autoriser", "Refuser", "L'appareil est connecté.", "La demande a été refusée.", "L'appareil n'est pas connecté.",
		"Rester connecté ?", "Non", "Oui", "Choisissez un compte", "Authentification à deux facteurs", "Se connecter avec un mot de passe"},
	{"es", "Introduzca el código", "Siguiente", "El código es incorrecto.", "Usuario", "Contraseña", "Iniciar sesión",
		"El televisor solicita acceso a su cuenta.", "Permitir", "Rechazar", "El dispositivo se ha conectado: conectado.", "La solicitud fue rechazada.", "El dispositivo no está conectado.",
		"¿Mantener la sesión iniciada?", "No", "Sí", "Elige una cuenta", "Verificación en dos pasos", "Iniciar sesión con contraseña"},
	{"pt", "Digite o código", "Avançar", "O código está incorreto.", "Usuário", "Senha", "Entrar",
		"A televisão deseja acesso à sua conta.", "Permitir", "Recusar", "O dispositivo foi conectado.", "A solicitação foi recusada.", "Se o dispositivo foi conectado, aguarde.",
		"Manter conectado?", "Não", "Sim", "Escolha uma conta", "Verificação em duas etapas", "Entrar com senha"},
	{"it", "Inserisci il codice", "Avanti", "Il codice è errato.", "Nome utente", "Password", "Accedi",
		"Il televisore richiede l'accesso al tuo account.", "Consenti", "Nega", "Il dispositivo è collegato.", "La richiesta è stata rifiutata.", "Il dispositivo non è collegato.",
		"Rimanere connesso?", "No", "Sì", "Scegli un account", "Verifica in due passaggi", "Accedi con password"},
	{"nl", "Voer de code in", "Volgende", "De code is ongeldig.", "Gebruikersnaam", "Wachtwoord", "Inloggen",
		"De televisie wil toegang tot je account.", "Toestaan", "Weigeren", "Het apparaat is verbonden.", "Het verzoek is geweigerd.", "Het apparaat is niet verbonden.",
		"Aangemeld blijven?", "Nee", "Ja", "Kies een account", "Verificatie in twee stappen", "Inloggen met wachtwoord"},
	{"pl", "Wpisz kod", "Dalej", "Kod jest nieprawidłowy.", "Nazwa użytkownika", "Hasło", "Zaloguj się",
		"Telewizor prosi o dostęp do konta.", "Zezwól", "Odmów", "Urządzenie zostało połączone.", "Prośba: odrzucono.", "Urządzenie nie jest połączone.",
		"Pozostać zalogowanym?", "Nie", "Tak", "Wybierz konto", "Weryfikacja dwuetapowa", "Zaloguj się za pomocą hasła"},
	{"tr", "Kodu girin", "İleri", "Kod geçersiz.", "Kullanıcı adı", "Şifre", "Giriş yap",
		"Televizyon hesabınıza erişmek istiyor.", "İzin ver", "Reddet", "Cihaz bağlandı.", "İstek reddedildi.", "Cihaz bağlanmadı.",
		"Oturum açık kalsın mı?", "Hayır", "Evet", "Bir hesap seçin", "İki adımlı doğrulama", "Şifre ile giriş yap"},
	{"ja", "コードを入力してください", "次へ", "コードが無効です。", "ユーザー名", "パスワード", "ログイン",
		"テレビがアカウントへのアクセスを求めています。", "許可", "許可しない", "デバイスが接続されました。", "リクエストは拒否されました。", "デバイスは接続されませんでした。",
		"サインインの状態を維持しますか？", "いいえ", "はい", "アカウントを選択", "二段階認証", "パスワードでログイン"},
	{"zh", "请输入代码", "下一步", "代码无效。", "用户名", "密码", "登录",
		"电视请求访问您的账号。", "允许", "不允许", "设备已连接。", "请求已拒绝。", "如果设备已连接，请稍候。",
		"保持登录状态？", "否", "是", "选择账号", "双重验证", "使用密码登录"},
	{"ko", "코드를 입력하세요", "다음", "코드가 올바르지 않습니다.", "사용자 이름", "비밀번호", "로그인",
		"텔레비전이 계정에 대한 액세스를 요청합니다.", "허용", "허용 안 함", "기기가 연결되었습니다.", "요청이 거부되었습니다.", "기기가 연결되지 않았습니다.",
		"로그인 상태를 유지하시겠습니까?", "아니요", "예", "계정 선택", "2단계 인증", "비밀번호로 로그인"},
}

// TestLanguages: names of fields that say nothing, and words of twelve languages.
func TestLanguages(t *testing.T) {
	r := heuristics(t)
	for _, l := range languages {
		code := fmt.Sprintf(`<form method=post><label>%s <input name=x1></label><button>%s</button></form>`, l.code, l.next)
		for _, c := range []struct{ name, body, role, approve, deny, onward string }{
			{name: "code", body: code, role: pages.RoleCode, onward: "fill text:x1 with user_code; click " + quoted(l.next)},
			{name: "wrong code", body: "<p role=alert>" + l.wrong + "</p>" + code, role: pages.RoleCodeError},
			{name: "login", body: fmt.Sprintf(`<form method=post><label>%s <input name=x1></label><label>%s <input type=password name=x2></label><button>%s</button></form>`, l.user, l.password, l.login),
				role: pages.RoleLogin, onward: "fill text:x1 with username; fill password:x2 with password; click " + quoted(l.login)},
			{name: "password as text", body: fmt.Sprintf(`<form method=post><label>%s <input name=x1></label><label>%s <input name=x2></label><button>%s</button></form>`, l.user, l.password, l.login),
				role: pages.RoleLogin, onward: "fill text:x1 with username; fill password:x2 with password; click " + quoted(l.login)},
			{name: "decision", body: fmt.Sprintf(`<p>%s</p><p>ABCD-EFGH</p><form method=post><button name=b1>%s</button><button name=b2>%s</button></form>`, l.question, l.deny, l.approve),
				role: pages.RoleConsent, approve: "click " + quoted(l.approve), deny: "click " + quoted(l.deny)},
			{name: "approved", body: "<p>" + l.approved + "</p>", role: pages.RoleSuccess},
			{name: "denied", body: "<p>" + l.denied + "</p>", role: pages.RoleDenied},
			{name: "neither", body: "<p>" + l.maybe + "</p>", role: ""},
			{name: "stay signed in", body: fmt.Sprintf(`<h1>%s</h1><form method=post><button name=b1>%s</button><button name=b2>%s</button></form>`, l.stay, l.yes, l.no),
				role: pages.RoleInterstitial, onward: "click " + quoted(l.no)},
			{name: "accounts", body: fmt.Sprintf(`<h1>%s</h1><a href=/1>bob@example.com</a><a href=/2>alice@example.com</a>`, l.pick), role: pages.RoleInterstitial},
			{name: "second factor", body: fmt.Sprintf(`<h1>%s</h1><form method=post><label>%s <input name=x1 autocomplete=one-time-code></label><button>%s</button></form>`, l.second, l.code, l.next),
				role: pages.RoleMFA, onward: "fill text:x1 with totp; click " + quoted(l.next)},
			{name: "ways to log in", body: fmt.Sprintf(`<h1>%s</h1><a role=button href=/g>Google</a><a role=button href=/p>%s</a>`, l.login, l.by), role: pages.RoleInterstitial, onward: "click " + quoted(l.by)},
		} {
			p := r.Recognise(snapshotOf(t, "<!doctype html><html lang="+l.lang+"><title>Acme</title>"+c.body, 200, nil), "ABCD-EFGH")
			if p.Role != c.role {
				t.Errorf("%s, %s: recognised as %q: %s", l.lang, c.name, p.Role, p.Reason)
				continue
			}
			for way, want := range map[pages.Way]string{pages.Onward: c.onward, pages.Approve: c.approve, pages.Deny: c.deny} {
				if got := plan(p, way); want != "" && got != want {
					t.Errorf("%s, %s: %s: %s, want %s", l.lang, c.name, way, got, want)
				}
			}
		}
	}
}

// TestMarkup: where no word is known, names and values tell the answers apart, and
// they are believed only where they are plain. An end user goes by the words.
func TestMarkup(t *testing.T) {
	r := heuristics(t)
	for _, c := range []struct{ body, approve, deny string }{
		{`<button name=d value=deny>Hylkää</button><button name=d value=approve>Salli</button>`, `click "Salli"`, `click "Hylkää"`},
		{`<button name=cancel value=1>Hylkää</button><button name=accept value=1>Salli</button>`, `click "Salli"`, `click "Hylkää"`},
		{`<button name=approve value=false>Hylkää</button><button name=approve value=true>Salli</button>`, `click "Salli"`, `click "Hylkää"`},
		{`<button id=btn-deny>Hylkää</button><button id=btn-allow>Salli</button>`, `click "Salli"`, `click "Hylkää"`},
		{`<input type=submit name=approve value=Hylkää><input type=submit name=approve value=Salli>`, "", ""},
		{`<button name=d value=1>Hylkää</button><button name=d value=2>Salli</button>`, "", ""},
		{`<button name=lang value=no>Norsk</button><button name=d value=2>Salli</button>`, "", ""},
		{`<button name=d value=approve>Deny</button><button name=d value=deny>Allow</button>`, `click "Allow"`, `click "Deny"`}, // as they read
		{`<button>Continue</button><button name=abort value=yes>[ Abort ]</button>`, `click "Continue"`, `click "[ Abort ]"`},
		{`<button name=abort value=yes>Keskeytä</button><button name=accept value=yes>Salli</button>`, `click "Salli"`, `click "Keskeytä"`},
		{`<button name=accept value=no>Hylkää</button><button name=accept value=yes>Salli</button>`, `click "Salli"`, `click "Hylkää"`},
		{`<button id=accept-cookies>Evästeet</button>`, "", ""},
	} {
		p := r.Recognise(snapshotOf(t, "<!doctype html><title>Acme</title><p>Televisio.</p><form method=post>"+c.body+"</form>", 200, nil), "ABCD-EFGH")
		if approve, deny := plan(p, pages.Approve), plan(p, pages.Deny); approve != c.approve || deny != c.deny {
			t.Errorf("%s: approve %q, deny %q", c.body, approve, deny)
		}
	}
}

// TestSuggestion: a proposed entry names each button by what no other has.
func TestSuggestion(t *testing.T) {
	p := heuristics(t).Recognise(snapshotOf(t, `<title>Acme</title><form><button name=d value=1>Hylkää</button><button name=d value=2>Salli</button></form>`, 200, nil), "")
	if got, want := p.Suggest(), `- {role: ..., when: {url: "*/device*"}, do: [{click: {button: "^Hylkää$"}}, {click: {button: "^Salli$"}}]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// plan describes the acts for a goal.
func plan(p *pages.Sighting, way pages.Way) string {
	did := ""
	for _, a := range p.Acts(way, true) {
		if a.Do == pages.Tick && len(a.Find(p)) == 0 {
			continue
		}
		if did != "" {
			did += "; "
		}
		did += a.Describe(p)
	}
	return did
}
