package target;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.core.annotation.Order;
import org.springframework.http.MediaType;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.oauth2.server.authorization.OAuth2AuthorizationServerConfigurer;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.crypto.factory.PasswordEncoderFactories;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.server.authorization.*;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.util.matcher.MediaTypeRequestMatcher;

/** A small application around Spring Authorization Server. Secrets come from the environment. */
@SpringBootApplication
@EnableConfigurationProperties(Switches.class)
public class Target {
    /** With a salt: the repository in memory refuses two clients that store equal secrets. */
    private static final PasswordEncoder ENCODER = PasswordEncoderFactories.createDelegatingPasswordEncoder();

    public static void main(String[] arguments) {
        SpringApplication.run(Target.class, arguments);
    }

    @Bean
    @Order(1)
    SecurityFilterChain serverSecurity(HttpSecurity http, RegisteredClientRepository clients, Switches switches)
            throws Exception {
        var publicClients = new PublicClients(clients, switches);
        var server = new OAuth2AuthorizationServerConfigurer();
        return http.securityMatcher(server.getEndpointsMatcher())
                .with(server, s -> s
                        .clientAuthentication(authentication -> authentication
                                .authenticationConverter(publicClients)
                                .authenticationProvider(publicClients))
                        .deviceAuthorizationEndpoint(endpoint -> endpoint.verificationUri("/activate"))
                        .deviceVerificationEndpoint(endpoint -> {
                            if (switches.ownErrorPages()) {
                                endpoint.errorResponseHandler(Pages::error);
                            }
                        })
                        .oidc(Customizer.withDefaults()))
                .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
                .exceptionHandling(exceptions -> exceptions.defaultAuthenticationEntryPointFor(
                        new LoginUrlAuthenticationEntryPoint("/login"),
                        new MediaTypeRequestMatcher(MediaType.TEXT_HTML)))
                .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain pageSecurity(HttpSecurity http) throws Exception {
        return http
                .authorizeHttpRequests(requests -> requests
                        .requestMatchers("/error").permitAll()
                        .anyRequest().authenticated())
                .formLogin(Customizer.withDefaults())
                .build();
    }

    @Bean
    UserDetailsService users() {
        String password = ENCODER.encode(System.getenv("USER_PASSWORD"));
        return new InMemoryUserDetailsManager(Stream.of("alice", "bob", "carol")
                .map(name -> User.withUsername(name).password(password).roles("USER").build())
                .toList());
    }

    @Bean
    RegisteredClientRepository clients(Switches switches) {
        String secret = System.getenv("CLIENT_SECRET");
        AuthorizationGrantType device = AuthorizationGrantType.DEVICE_CODE;
        RegisteredClient.Builder shortLived = client("short-lived", null, device, switches)
                .tokenSettings(tokens(switches).deviceCodeTimeToLive(Duration.ofSeconds(20)).build());
        RegisteredClient.Builder noDevice = client("no-device", secret, AuthorizationGrantType.AUTHORIZATION_CODE,
                switches).redirectUri("http://127.0.0.1/callback");
        return new InMemoryRegisteredClientRepository(Stream.of(
                client("device-public", null, device, switches).clientName("Living Room TV"),
                client("device-second", null, device, switches),
                client("device-confidential", secret, device, switches),
                client("res:erved 100%", System.getenv("RESERVED_SECRET"), device, switches),
                shortLived,
                noDevice).map(RegisteredClient.Builder::build).toList());
    }

    private static RegisteredClient.Builder client(String id, String secret, AuthorizationGrantType grant,
            Switches switches) {
        RegisteredClient.Builder client = RegisteredClient.withId(id).clientId(id)
                .authorizationGrantType(grant)
                .authorizationGrantType(AuthorizationGrantType.REFRESH_TOKEN)
                .scopes(scopes -> scopes.addAll(List.of("openid", "profile", "message.read", "message.write")))
                .tokenSettings(tokens(switches).build());
        if (secret == null) {
            return client.clientAuthenticationMethod(ClientAuthenticationMethod.NONE);
        }
        return client.clientSecret(ENCODER.encode(secret))
                .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_BASIC)
                .clientAuthenticationMethod(ClientAuthenticationMethod.CLIENT_SECRET_POST);
    }

    private static TokenSettings.Builder tokens(Switches switches) {
        return TokenSettings.builder().reuseRefreshTokens(!switches.publicRefresh());
    }

    @Bean
    OAuth2AuthorizationService authorizations(Switches switches, JdbcTemplate jdbc, RegisteredClientRepository clients) {
        return switches.jdbcStore()
                ? new JdbcOAuth2AuthorizationService(jdbc, clients)
                : new InMemoryOAuth2AuthorizationService();
    }

    @Bean
    OAuth2AuthorizationConsentService consents(Switches switches) {
        if (!switches.alwaysAskConsent()) {
            return new InMemoryOAuth2AuthorizationConsentService();
        }
        return new OAuth2AuthorizationConsentService() {
            @Override
            public void save(OAuth2AuthorizationConsent consent) {
            }

            @Override
            public void remove(OAuth2AuthorizationConsent consent) {
            }

            @Override
            public OAuth2AuthorizationConsent findById(String clientId, String userName) {
                return null;
            }
        };
    }
}
