package target;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.HtmlUtils;

/** The pages that the framework leaves to the application. It has its own for login and consent. */
@RestController
class Pages {
    @GetMapping(value = "/activate", produces = "text/html")
    String activate(@RequestParam(name = "user_code", defaultValue = "") String code, CsrfToken csrf) {
        return page("Device activation", """
                <p>Enter the code that your device shows.</p>
                <form method="post" action="/oauth2/device_verification">
                <input type="hidden" name="%s" value="%s">
                <label>Code <input id="user_code" name="user_code" required value="%s"></label>
                <button type="submit">Submit</button>
                </form>""".formatted(csrf.getParameterName(), csrf.getToken(), HtmlUtils.htmlEscape(code)));
    }

    /** The framework sends the browser here after an approval. */
    @GetMapping(value = "/", params = "success", produces = "text/html")
    String success() {
        return page("Success", "<p>Your device is activated. You can return to it.</p>");
    }

    static void error(HttpServletRequest request, HttpServletResponse response, AuthenticationException exception)
            throws IOException {
        boolean denied = exception instanceof OAuth2AuthenticationException oauth
                && OAuth2ErrorCodes.ACCESS_DENIED.equals(oauth.getError().getErrorCode());
        response.setStatus(denied ? HttpServletResponse.SC_OK : HttpServletResponse.SC_BAD_REQUEST);
        response.setContentType("text/html;charset=UTF-8");
        response.getWriter().write(denied
                ? page("Access denied", "<p>You denied the request. The device gets no access.</p>")
                : page("Error", "<p>This code is invalid or has expired.</p>"));
    }

    private static String page(String title, String body) {
        return """
                <!doctype html>
                <html lang="en">
                <head><meta charset="utf-8"><title>%1$s</title></head>
                <body><h1>%1$s</h1>
                %2$s
                </body>
                </html>
                """.formatted(title, body);
    }
}
