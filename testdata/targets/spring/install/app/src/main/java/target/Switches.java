package target;

import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Departures from what a new application does.
 *
 * @param jdbcStore keep authorizations in H2; the default store in memory drops the oldest of more than 100 pending ones
 * @param converterIgnoresBasic leave requests with a secret to the framework; the converter of its sample application
 *     treats a confidential client that also sends client_id as a public one
 * @param publicRefresh let public clients use their refresh tokens, each one once
 * @param alwaysAskConsent do not remember consent; by default, the end user is asked once per client
 * @param ownErrorPages show a page after a denial or a wrong code; by default, Boot's error page appears
 */
@ConfigurationProperties("target")
record Switches(boolean jdbcStore, boolean converterIgnoresBasic, boolean publicRefresh, boolean alwaysAskConsent,
        boolean ownErrorPages) {
}
