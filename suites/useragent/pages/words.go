package pages

import (
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// phrases are words to look for in a text: whole words, in lower case, with a
// star at the end where any ending will do, and "=" in front where they have to be
// the whole text. Of scripts that write no spaces between words, it is any part of one.
type phrases []string

// The word lists: English, German, French, Spanish, Portuguese, Italian, Dutch, Polish,
// Turkish, Japanese, Chinese (simplified and traditional), Korean.
var (
	denyWords = list(`deny|denies|decline*|reject*|refuse|cancel|abort|no|disallow|don t allow|do not allow|not now|block|not me|it s not me`,
		`ablehnen|verweigern|abbrechen|abbruch|nein|nicht erlauben|nicht zulassen|nicht zustimmen`,
		`refuser|rejeter|annuler|non|ne pas autoriser`,
		`denegar|rechazar|cancelar|no permitir|no autorizar`,
		`negar|recusar|rejeitar|=não|não permitir|não autorizar|agora não`,
		`nega|negare|rifiuta|rifiutare|annulla|annullare|non consentire|non autorizzare|non ora`,
		`weigeren|weiger|afwijzen|annuleren|nee|niet toestaan|niet nu`,
		`odmów|odmawiam|odrzuć|anuluj|=nie|nie zezwalaj|nie teraz`,
		`reddet|iptal|iptal et|hayır|izin verme|vazgeç|şimdi değil`,
		`拒否|許可しない|キャンセル|いいえ|同意しない|承認しない|却下|今はしない`,
		`拒绝|拒絕|取消|不允许|不允許|不同意|不授权|不授權|否|暂不`,
		`거부|거절|취소|아니요|아니오|허용 안 함|허용 안함|허용하지 않음|동의하지 않음|동의 안 함|나중에`)
	approveWords = list(`approve*|allow*|accept*|grant*|authorize|authorise|yes|confirm*|agree|i agree|permit|consent|connect|link device|trust`,
		`erlauben|zulassen|genehmigen|zustimmen|akzeptieren|bestätigen|gewähren|autorisieren|freigeben|ja|einwilligen|verbinden`,
		`autoriser|accepter|approuver|oui|confirmer|permettre|j autorise|consentir`,
		`autorizar|aceptar|aprobar|permitir|sí|confirmar|conceder`,
		`aceitar|aprovar|sim|conceder|concordo|consentir`,
		`autorizza|autorizzare|consenti|consentire|accetta|accettare|approva|approvare|sì|conferma|confermare|permetti`,
		`toestaan|goedkeuren|accepteren|akkoord|ja|bevestigen|machtigen|autoriseren`,
		`zezwól|zezwalaj|zezwalam|zatwierdź|akceptuj|akceptuję|zgadzam się|tak|potwierdź|autoryzuj|udziel zgody`,
		`izin ver|onayla|kabul et|evet|yetkilendir`,
		`許可|承認|同意|はい|認可`,
		`允许|允許|同意|批准|授权|授權|接受|确认|確認|是`,
		`허용|승인|동의|수락|예|확인`)
	continueWords = list(`continue|next|submit|proceed|send|go|verify|ok|activate|done`,
		`weiter|fortfahren|senden|absenden|prüfen|aktivieren`,
		`continuer|suivant|valider|envoyer|vérifier|activer`,
		`continuar|siguiente|enviar|verificar|activar`,
		`próximo|seguinte|avançar|ativar`,
		`continua|avanti|invia|verifica|attiva|procedi`,
		`doorgaan|volgende|verzenden|verifiëren|activeren|ga door`,
		`dalej|kontynuuj|wyślij|zweryfikuj|aktywuj|sprawdź`,
		`devam|devam et|ileri|gönder|doğrula|etkinleştir|sonraki`,
		`次へ|続行|続ける|送信|進む|確認`,
		`继续|繼續|下一步|提交|验证|驗證|发送|激活`,
		`계속|다음|제출|보내기|활성화`)
	loginWords = list(`sign in|signin|sign on|log in|login|log on`,
		`anmelden|einloggen|anmeldung`, `se connecter|connexion|s identifier`, `iniciar sesión|acceder|entrar|ingresar`,
		`iniciar sessão|fazer login`, `accedi|entra`, `inloggen|aanmelden`, `zaloguj|zaloguj się|logowanie`, `giriş|giriş yap|oturum aç`,
		`サインイン|ログイン`, `登录|登入|登錄`, `로그인`)
	// What no journey presses by itself: other ways in, help, and furniture.
	strayWords = list(`sign in with|log in with|continue with|sign up|register|create account|create an account|forgot*|help|show|hide|toggle|resend|passkey|security key|language|menu|search|reset|back|clear|privacy|terms|close|switch account|log out|logout|sign out|cookie|cookies`,
		`registrieren|konto erstellen|vergessen|hilfe|anzeigen|sprache|zurück|löschen|datenschutz|impressum|schließen|abmelden|anmelden mit`,
		`s inscrire|créer un compte|oublié|aide|afficher|langue|retour|effacer|fermer|déconnexion|continuer avec`,
		`registrarse|crear cuenta|olvid*|ayuda|mostrar|idioma|volver|atrás|borrar|cerrar|continuar con`,
		`cadastr*|criar conta|registar|esquec*|esqueci|ajuda|voltar|limpar|fechar|sair|terminar sessão|continuar com|entrar com`,
		`registrati|crea account|crea un account|dimenticat*|aiuto|mostra|lingua|indietro|chiudi|esci|accedi con|continua con`,
		`registreren|account maken|account aanmaken|vergeten|taal|terug|wissen|sluiten|uitloggen|afmelden|inloggen met|doorgaan met`,
		`zarejestruj*|załóż konto|utwórz konto|zapomnia*|pomoc|pokaż|język|wstecz|wyczyść|zamknij|wyloguj*|zaloguj się przez|zaloguj przez`,
		`kaydol|kayıt ol|hesap oluştur|unuttum|yardım|göster|geri|temizle|kapat|çıkış|oturumu kapat|ile giriş|ile devam|ile giriş yap|ile devam et`,
		`新規登録|アカウントを作成|アカウント作成|忘れ|ヘルプ|表示|言語|戻る|クリア|閉じる|ログアウト|サインアウト|でログイン|でサインイン|で続行|で続ける|再送`,
		`注册|註冊|忘记|忘記|帮助|显示|语言|返回|清除|关闭|關閉|退出|注销|登出|重新发送|重发`,
		`회원가입|가입|계정 만들기|찾기|잊으|도움말|표시|언어|뒤로|지우기|닫기|로그아웃|재전송|다시 보내기|로 로그인|로 계속`)

	// deviceCodes are what a user code is called, codeWords what any code is.
	deviceCodes = list(`user code|usercode|device code|devicecode`, `benutzercode|gerätecode`, `code de l appareil|code appareil`, `código del dispositivo|código de dispositivo`,
		`código do dispositivo|código do aparelho`, `codice del dispositivo|codice dispositivo|codice utente`, `apparaatcode|gebruikerscode`, `kod urządzenia|kod użytkownika`,
		`cihaz kodu|cihaz kodunu|kullanıcı kodu`, `デバイスコード|デバイス コード|ユーザーコード|ユーザー コード`, `设备代码|设备码|裝置代碼|用户代码|用户码`, `기기 코드|장치 코드|사용자 코드|디바이스 코드`)
	codeWords  = append(slices.Clone(deviceCodes), list(`code`, `código|codigo`, `codice`, `kod|kodu|kodem`, `kodunu|kodunuz|kodunuzu`, `コード`, `代码|代碼|激活码`, `코드`)...)
	otherCodes = list(`zip|postal|country|promo|coupon|discount|area|language|postleitzahl|cep|kod pocztowy|posta kodu|郵便|邮政|우편`)
	// secondWord is on fields for a second factor, secondPage on pages that ask for one.
	secondWord = list(`otp|totp|mfa|2fa|two factor|two step|authenticator|sms|second factor|zweiter faktor|one time password|einmalpasswort|einmalkennwort`)
	secondPage = list(`totp|mfa|2fa|two factor|2 factor|two step|2 step|multi factor|authenticator|authentication app|authenticator app|second factor|one time password`,
		`zwei faktor*|zweifaktor*|zweiter faktor|zweiten faktor|authentifizierungs app|authenticator app|einmalpasswort|einmalkennwort`,
		`deux facteurs|double authentification|application d authentification|à deux étapes`, `dos factores|dos pasos|aplicación de autenticación|doble factor`,
		`dois fatores|duas etapas|dois passos|aplicativo autenticador|app autenticador`, `due fattori|due passaggi|app di autenticazione`,
		`twee factor*|tweefactor*|twee stappen|tweestaps*|verificatie app`, `dwuskładnikow*|dwuetapow*|uwierzytelniania wieloskładnikowego|aplikacji uwierzytelniającej`,
		`iki faktörlü|iki adımlı|kimlik doğrulayıcı|doğrulama uygulama*`, `二要素|二段階|2 要素|2要素|2段階|認証アプリ|認証システム|多要素|ワンタイムパスワード`,
		`双重验证|雙重驗證|两步验证|兩步驗證|双因素|多重身份验证|身份验证器|动态口令|动态密码`, `2단계|2 단계|이중 인증|인증 앱|인증 앱의|일회용 비밀번호|otp`)
	authenticator = list(`totp|authenticator|authentication app|authentifizierungs app|authentification|autenticación|autenticador|autenticazione|verificatie app|uwierzytelniającej|doğrulayıcı|doğrulama uygulama*|認証アプリ|认证应用|身份验证器|驗證器|인증 앱`)
	sentWords     = list(`sent|texted|emailed|text message with`, `gesendet|geschickt|verschickt`, `envoyé*`, `enviado|enviamos|enviad*`, `inviato|inviata`, `verzonden|gestuurd`, `wysłaliśmy|wysłany|wysłano`,
		`gönderdik|gönderildi|gönderilen`, `送信しました|送信され`, `已发送|已發送|发送至|发送到`, `보냈습니다|전송했습니다|발송`)
	recovery = list(`recovery|backup code|backup codes|wiederherstellung*|récupération|recuperación|recuperação|recupero|herstelcode|odzyskiwania|kurtarma|リカバリ|恢复代码|복구`)
	// elsewhere says that a code stands on the screen of a device.
	elsewhere = list(`shown on|displayed on|appears on|your tv|television|your device|device shows|deinem gerät|ihrem gerät|votre appareil|tu dispositivo|su dispositivo|seu dispositivo|tuo dispositivo|je apparaat|uw apparaat|twoim urządzeniu|cihazınızda|デバイスに|设备上|기기에`)
	// A text field that is called so takes a password, unless it is for something else.
	passwordWords = list(`password|passwd|passphrase|pwd`, `passwort|kennwort`, `mot de passe`, `contraseña`,
		`senha|palavra passe`, `wachtwoord`, `hasło`, `şifre|parola`, `パスワード`, `密码|密碼`, `비밀번호|암호`)
	notPassword = list(`email|e mail|mail|username|forgot*|reset|one time|code|otp|vergessen|einmal*|oublié|olvid*|monouso|eenmalig*|jednorazow*|tek kullanımlık|única|ワンタイム|动态|一次性|일회용`)
	userWords   = list(`username|user name|userid|user id|user|login|email|e mail|mail|account|identifier|identity`,
		`benutzer*|anmeldename|konto|kennung`, `utilisateur|identifiant|courriel|nom d utilisateur`, `usuario|correo|cuenta|nombre de usuario`,
		`usuário|utilizador|conta|nome de usuário`, `utente|nome utente|posta elettronica`, `gebruiker*|gebruikersnaam`, `użytkownik*|nazwa użytkownika`,
		`kullanıcı|kullanıcı adı|e posta|eposta`, `ユーザー|ユーザ名|メールアドレス|アカウント`, `用户名|用戶名|账号|帳號|帐号|邮箱|电子邮件`, `사용자|아이디|이메일|계정`)

	successWords = list(`success*|approved|authorized|authorised|connected|you may close|you may now close|you can close|you can now close|close this|return to your device|device has been|completed|complete|congratulations|all set|thank you`,
		`erfolg*|genehmigt|verbunden|abgeschlossen|können sie schließen|freigegeben`,
		`succès|réussi*|autorisé|connecté|vous pouvez fermer|terminé*`,
		`éxito|autorizado|conectado|puede cerrar|completad*`,
		`sucesso|conectad*|autorizad*|concluíd*|pode fechar`,
		`collegato|connesso|autorizzato|completat*|puoi chiudere|successo`,
		`verbonden|geslaagd|gelukt|goedgekeurd|voltooid|je kunt dit venster sluiten`,
		`połączono|połączone|zatwierdzono|autoryzowano|zakończono|powodzeniem|możesz zamknąć`,
		`bağlandı|onaylandı|tamamlandı|yetkilendirildi|kapatabilirsiniz`,
		`接続しました|接続されました|許可しました|承認しました|承認されました|完了しました|成功しました|デバイスに戻`,
		`已连接|已連接|已授权|已授權|已批准|授权成功|授權成功|连接成功|已完成|可以关闭`,
		`연결되었습니다|연결됐습니다|승인되었습니다|허용되었습니다|완료되었습니다|성공했습니다|닫아도`)
	deniedWords = list(`denied|declined|rejected|refused|interrupted|cancelled|canceled|aborted`,
		`abgelehnt|verweigert|abgebrochen`, `refusé*|annulé*|rejeté*`, `denegad*|rechazad*|cancelad*`,
		`negad*|recusad*|rejeitad*`, `negat*|rifiutat*|annullat*`, `geweigerd|afgewezen|geannuleerd`, `odmówiono|odrzucon*|anulowan*`,
		`reddedildi|iptal edildi`, `拒否しました|拒否されました|キャンセルしました|キャンセルされました|却下`, `已拒绝|已拒絕|已取消|被拒绝`, `거부되었습니다|거부했습니다|거절되었습니다|취소되었습니다`)
	errorWords = list(`invalid|incorrect|error|expired|not found|failed|failure|wrong|unknown|does not exist|doesn t exist|try again|not recognized|not recognised|unrecognized|went wrong|not valid|mismatch|already used|been used|not match|forbidden|too many`,
		`falsch*|ungültig*|fehler|abgelaufen|unbekannt*|fehlgeschlagen|nicht gefunden|erneut`,
		`invalide|incorrect*|erreur|expiré*|inconnu*|échoué|introuvable`,
		`inválid*|incorrect*|caducad*|desconocid*|fallid*|no encontrad*`,
		`incorret*|expirad*|errad*|erro|falhou|não encontrad*|tente novamente`, `non valid*|errat*|errore|scadut*|sconosciut*|non trovat*|riprova`,
		`ongeldig*|onjuist*|verlopen|fout|mislukt|niet gevonden|opnieuw`, `nieprawidłow*|błędn*|błąd|wygasł*|nieznan*|nie znaleziono|spróbuj ponownie`,
		`geçersiz|hatalı|yanlış|hata|bulunamadı|süresi doldu|süresi dolmuş|tekrar deneyin`,
		`正しくありません|正しくない|間違って|無効|期限切れ|期限が切れ|エラー|失敗|見つかりません|もう一度`, `无效|無效|错误|錯誤|不正确|不正確|已过期|过期|失败|失敗|不存在|重试|未找到`,
		`올바르지 않|잘못|유효하지 않|만료|오류|실패|찾을 수 없|다시 시도|일치하지 않`)
	// badCode is for URLs, which hold the word code anyway.
	badCode = list(`code error|invalid code|code invalid|wrong code|bad code|unknown code|expired code|code expired|code not found|invalid user code`)
	// consentWords say that a page asks for a permission.
	consentWords = list(`wants|would like|requests|requesting|request|permission*|access|scope*|consent|authorize|authorise|grant*|allow|sharing|share`,
		`möchte|berechtigung*|zugriff|einwilligung|erlauben`, `souhaite|demande|autorisation*|accès|accéder|autoriser`, `quiere|solicita|permiso*|acceso|autorizar`,
		`deseja|quer|permiss*|acesso`, `vuole|richiede|autorizzazion*|accesso|accedere`, `wil|toegang|toestemming`, `chce|prosi|dostęp*|uprawnie*`,
		`istiyor|erişim|erişmek|izin*`, `求めて|アクセス|権限|許可`, `请求|請求|访问|存取|权限|授权|想要`, `요청|액세스|접근|권한`)
	// notMe is on what lets another account log in.
	notMe = list(`not me|it s not me|not you|another account|other account|different account|switch account`,
		`nicht ich|anderes konto|anderes konto verwenden`, `ce n est pas moi|autre compte`, `no soy yo|otra cuenta`,
		`outra conta|não sou eu`, `altro account|non sono io`, `ander account|een ander account|ik ben dit niet`, `inne konto|innego konta|to nie ja`,
		`başka bir hesap|ben değilim`, `別のアカウント|他のアカウント`, `其他账号|其他帐户|其他账户|其他帳號|另一个账号`, `다른 계정`)
	// goOnAs is on the button of somebody who is logged in already.
	goOnAs = list(`continue as|proceed as|go on as`, `weiter als|fortfahren als`, `continuer en tant que`, `continuar como`,
		`continua come|procedi come`, `doorgaan als`, `kontynuuj jako`, `olarak devam`, `として続行|として続ける`, `身份继续`)
	// pickAccount is on pages that list the accounts of who logged in before.
	pickAccount = list(`pick an account|choose an account|select an account|choose account|select account|which account`,
		`konto auswählen|konto wählen|wähle ein konto|wählen sie ein konto`, `choisissez un compte|choisir un compte|sélectionnez un compte`, `elige una cuenta|elegir una cuenta|selecciona una cuenta|seleccionar una cuenta`,
		`escolha uma conta|escolher uma conta|selecione uma conta`, `scegli un account|seleziona un account`, `kies een account|account kiezen|selecteer een account`, `wybierz konto`,
		`hesap seç|bir hesap seçin|hesap seçin`, `アカウントを選択|アカウントの選択`, `选择账号|选择帐户|选择账户|選擇帳號|选择一个账号|选择一个帐户`, `계정 선택|계정을 선택`)
	// staySignedIn is what pages between the login and the question ask.
	staySignedIn = list(`stay signed in|keep me signed in|remain signed in|stay logged in|keep me logged in|remember this browser|trust this browser|save your password`,
		`angemeldet bleiben|eingeloggt bleiben|diesem browser vertrauen`, `rester connecté|rester connectée|maintenir la connexion`, `mantener la sesión iniciada|mantener sesión`,
		`manter conectado|continuar conectado|manter sessão|manter a sessão`, `rimanere connesso|resta connesso|restare connesso|rimani connesso`, `aangemeld blijven|ingelogd blijven`, `nie wylogowuj|pozostać zalogowan*|pozostań zalogowan*|nie wylogowywać`,
		`oturum açık kalsın|oturumunuz açık kalsın|oturumu açık tut`, `サインインの状態を維持|サインイン状態を維持|サインインしたまま|ログインしたまま|ログイン状態を保持|ログイン状態を維持`, `保持登录|保持登入`, `로그인 상태를 유지|로그인 상태 유지`)
	// laterWords decline what is no question about the device.
	laterWords = list(`skip|not now|maybe later|later|no thanks`, `überspringen|später|nicht jetzt`, `ignorer|plus tard|pas maintenant`, `omitir|ahora no|más tarde`,
		`pular|ignorar|mais tarde`, `salta|ignora|più tardi`, `overslaan|later`, `pomiń|później`, `atla|sonra`, `スキップ|後で`, `跳过|跳過|稍后`, `건너뛰기|나중에`)
	// byPassword is on what opens the form for the password, beside other ways in.
	byPassword = list(`with password|with a password|with your password|use password|use a password|use your password|use my password|with email|with your email|with e mail|with username|with user name`,
		`mit passwort|mit kennwort|passwort verwenden|kennwort verwenden|mit e mail`, `avec un mot de passe|avec mot de passe|avec votre mot de passe|utiliser un mot de passe|utiliser votre mot de passe`, `con contraseña|con tu contraseña|usar contraseña`,
		`com senha|com palavra passe|usar senha`, `con password|con la password|usa la password`, `met wachtwoord|met je wachtwoord|wachtwoord gebruiken`, `za pomocą hasła|hasłem|użyj hasła`,
		`şifre ile|parola ile|şifre kullan`, `パスワードでサインイン|パスワードでログイン|パスワードを使用|パスワードを使う`, `使用密码|密码登录|使用密碼|密碼登入`, `비밀번호로 로그인|비밀번호 사용`)
	// unwantedBoxes are not ticked: they outlive the journey.
	unwantedBoxes = append(list(`remember|keep me|stay signed|don t ask|do not ask|don t show|do not show|always|newsletter|marketing|trust this|vertrauen|merken|angemeldet bleiben|nicht mehr|immer|se souvenir|ne plus|toujours|recordar|no volver|siempre`,
		`lembrar|sempre|não mostrar|ricorda|sempre|non mostrare|non chiedere|onthoud*|altijd|niet meer|zapamiętaj|zawsze|nie pokazuj|hatırla|her zaman|bir daha|記憶|信頼|保存する|常に|今後|次回から|记住|記住|信任|總是|总是|不再|기억|신뢰|항상|다시 보지|다시 묻지`), staySignedIn...)
)

// list makes phrases of words between bars.
func list(languages ...string) phrases {
	var out phrases
	for _, l := range languages {
		for w := range strings.SplitSeq(l, "|") {
			switch stem, any := strings.CutSuffix(w, "*"); {
			case w[0] == '=':
				out = append(out, "= "+w[1:]+" ")
			case dense(w):
				out = append(out, w)
			case any:
				out = append(out, " "+stem)
			default:
				out = append(out, " "+w+" ")
			}
		}
	}
	return out
}

// dense says that a text is in a script that puts no spaces between words, or puts
// particles behind them. One character alone is a word of its own: it is in too many.
func dense(text string) bool {
	n := 0
	for _, r := range text {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			n++
		}
	}
	return n > 1
}

// in returns the first phrase that occurs in the text, or "".
func (p phrases) in(text string) string {
	text = words(text)
	for _, w := range p {
		if whole, ok := strings.CutPrefix(w, "="); strings.Contains(text, w) || ok && text == whole {
			return strings.Trim(w, " =")
		}
	}
	return ""
}

// negations turn the words after them into their opposite; conditions make them
// no statement.
var (
	negations  = strings.Fields(`not no never cannot nor t without unable failed nicht kein keine keinen nie pas non jamais aucun aucune nunca sin não nem mai niet geen nooit nie bez`)
	conditions = strings.Fields(`if when once until unless will would should wenn sobald falls bis si lorsque quand cuando quando após dopo finché zodra wanneer totdat jeśli gdy kiedy dopóki eğer`)
	articles   = strings.Fields(`o a os as il lo la i gli le un uno una um uma seu sua você`)
	// takesBack is in clauses of dense scripts that state nothing: their verbs say so
	// at the end, and their conditions have no place of their own.
	takesBack = phrases(strings.Split("ません|ない|場合|たら|すると|れば|と表示|未|没有|沒有|不会|无法|如果|之后|后|後|않|못했|하면|되면|경우|안 됩", "|"))
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
				if before := strings.Fields(clause[:at]); !denied(before) && !(dense(w) && takenBack(clause, w)) && !stood(clause, w, at, earlier) {
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
			end := strings.IndexAny(text, ".!?\n·。！？")
			mark := ' '
			sentence := text
			if end >= 0 {
				size := 0
				mark, size = utf8.DecodeRuneInString(text[end:])
				sentence, text = text[:end], text[end+size:]
			} else {
				text = ""
			}
			if mark == '?' || mark == '？' {
				continue
			}
			for clause := range strings.FieldsFuncSeq(sentence, func(r rune) bool { return strings.ContainsRune(",;:()–—、，；：（）", r) }) {
				if !yield(words(clause)) {
					return
				}
			}
		}
	}
}

// denied says that the words before a phrase take it back.
func denied(before []string) bool {
	for i, w := range before {
		// "se" is a condition before an article, and a reflexive verb's otherwise.
		if slices.Contains(conditions, w) || w == "se" && i+1 < len(before) && slices.Contains(articles, before[i+1]) {
			return true
		}
	}
	return slices.ContainsFunc(before[max(0, len(before)-negated):], func(w string) bool { return slices.Contains(negations, w) })
}

// takenBack says that a clause in a dense script states the opposite of a phrase, or
// nothing. The phrase itself may have such a word in it.
func takenBack(clause, phrase string) bool {
	return takesBack.in(strings.ReplaceAll(clause, phrase, " ")) != ""
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
