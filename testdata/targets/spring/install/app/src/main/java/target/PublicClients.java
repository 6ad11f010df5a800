package target;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Map;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2ClientAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.web.authentication.AuthenticationConverter;

/**
 * Identifies public clients by client_id alone, as the framework's sample application does. The framework itself
 * serves public clients only with PKCE.
 */
class PublicClients implements AuthenticationConverter, AuthenticationProvider {
    private final RegisteredClientRepository clients;
    private final Switches switches;

    PublicClients(RegisteredClientRepository clients, Switches switches) {
        this.clients = clients;
        this.switches = switches;
    }

    /** Distinct from the framework's class, so that only this provider handles the token. */
    private static class Token extends OAuth2ClientAuthenticationToken {
        Token(String clientId) {
            super(clientId, ClientAuthenticationMethod.NONE, null, Map.of());
        }

        Token(RegisteredClient client) {
            super(client, ClientAuthenticationMethod.NONE, null);
        }
    }

    /** Returns null to leave the request to the framework's converters. */
    @Override
    public Authentication convert(HttpServletRequest request) {
        String[] ids = request.getParameterValues("client_id");
        if (!"POST".equals(request.getMethod()) || ids == null || !isServed(request)) {
            return null;
        }
        if (switches.converterIgnoresBasic() && hasSecret(request)) {
            return null;
        }
        if (ids.length != 1 || ids[0].isBlank()) {
            throw new OAuth2AuthenticationException(OAuth2ErrorCodes.INVALID_REQUEST);
        }
        return new Token(ids[0]);
    }

    private boolean isServed(HttpServletRequest request) {
        if (request.getRequestURI().endsWith("/oauth2/device_authorization")) {
            return true;
        }
        String grant = request.getParameter("grant_type");
        if (AuthorizationGrantType.DEVICE_CODE.getValue().equals(grant)) {
            return request.getParameter("device_code") != null;
        }
        return switches.publicRefresh() && AuthorizationGrantType.REFRESH_TOKEN.getValue().equals(grant)
                && !hasSecret(request);
    }

    private static boolean hasSecret(HttpServletRequest request) {
        return request.getHeader("Authorization") != null || request.getParameter("client_secret") != null;
    }

    @Override
    public Authentication authenticate(Authentication token) {
        RegisteredClient client = clients.findByClientId(token.getPrincipal().toString());
        if (client == null || !client.getClientAuthenticationMethods().contains(ClientAuthenticationMethod.NONE)) {
            throw new OAuth2AuthenticationException(OAuth2ErrorCodes.INVALID_CLIENT);
        }
        return new Token(client);
    }

    @Override
    public boolean supports(Class<?> type) {
        return Token.class.isAssignableFrom(type);
    }
}
