<?php
/**
 * Settings → Digest Newsletter.
 *
 * @package Digest_Newsletter
 */

defined( 'ABSPATH' ) || exit;

/**
 * The settings page, with a button that checks them.
 */
class Digest_Newsletter_Settings {

	const PAGE   = 'digest-newsletter';
	const SCOPES = array( 'newsletters:read', 'sources:write', 'articles:write', 'issues:write' );

	/**
	 * Registers the hooks.
	 */
	public function register() {
		add_action( 'admin_menu', array( $this, 'add_page' ) );
		add_action( 'admin_init', array( $this, 'register_setting' ) );
		add_action( 'admin_post_digest_newsletter_check', array( $this, 'check' ) );
		add_filter( 'plugin_action_links_' . plugin_basename( DIGEST_NEWSLETTER_FILE ), array( $this, 'add_link' ) );
	}

	/**
	 * Adds the page to the menu.
	 */
	public function add_page() {
		add_options_page( __( 'Digest Newsletter', 'digest-newsletter' ), __( 'Digest Newsletter', 'digest-newsletter' ), 'manage_options', self::PAGE, array( $this, 'show' ) );
	}

	/**
	 * Adds a link to the list of plugins.
	 *
	 * @param string[] $links Links of the plugin.
	 * @return string[]
	 */
	public function add_link( $links ) {
		$url = admin_url( 'options-general.php?page=' . self::PAGE );
		array_unshift( $links, '<a href="' . esc_url( $url ) . '">' . esc_html__( 'Settings', 'digest-newsletter' ) . '</a>' );
		return $links;
	}

	/**
	 * Registers the option.
	 */
	public function register_setting() {
		register_setting( self::PAGE, Digest_Newsletter_Options::NAME, array( 'sanitize_callback' => array( $this, 'sanitize' ) ) );
	}

	/**
	 * Returns the options as they are stored. An empty token leaves the stored one.
	 *
	 * @param mixed $input What the form sent.
	 * @return array
	 */
	public function sanitize( $input ) {
		$input  = is_array( $input ) ? $input : array();
		$stored = wp_parse_args( get_option( Digest_Newsletter_Options::NAME, array() ), array( 'token' => '' ) );
		$token  = isset( $input['token'] ) ? trim( sanitize_text_field( $input['token'] ) ) : '';
		$types  = isset( $input['types'] ) ? array_map( 'sanitize_key', (array) $input['types'] ) : array();
		return array(
			'address'     => self::address( isset( $input['address'] ) ? $input['address'] : '' ),
			'token'       => '' !== $token ? $token : $stored['token'],
			'publication' => isset( $input['publication'] ) ? sanitize_title( $input['publication'] ) : '',
			'newsletter'  => isset( $input['newsletter'] ) ? sanitize_title( $input['newsletter'] ) : '',
			'push'        => ! empty( $input['push'] ),
			'types'       => array_values( array_intersect( $types, self::types() ) ),
		);
	}

	/**
	 * Returns an address without a slash at its end; empty if it is not one.
	 *
	 * @param string $text What was entered.
	 * @return string
	 */
	private static function address( $text ) {
		$address = untrailingslashit( esc_url_raw( trim( (string) $text ), array( 'https', 'http' ) ) );
		$parts   = wp_parse_url( $address );
		if ( ! $address || empty( $parts['host'] ) ) {
			if ( '' !== trim( (string) $text ) ) {
				add_settings_error( self::PAGE, 'address', __( 'The address of Digest begins with https://.', 'digest-newsletter' ) );
			}
			return '';
		}
		$is_local = in_array( $parts['host'], array( 'localhost', '127.0.0.1', '::1', '[::1]' ), true );
		if ( 'https' !== $parts['scheme'] && ! $is_local ) {
			add_settings_error( self::PAGE, 'address', __( 'The address of Digest has to begin with https://, because the token is sent to it.', 'digest-newsletter' ) );
			return '';
		}
		return $address;
	}

	/**
	 * Returns the types of posts that people can read on their own pages.
	 *
	 * @return string[]
	 */
	private static function types() {
		return array_values( array_diff( get_post_types( array( 'public' => true ) ), array( 'attachment' ) ) );
	}

	/**
	 * Checks the settings, lets the newsletter use what is sent, and returns to the page.
	 */
	public function check() {
		if ( ! current_user_can( 'manage_options' ) ) {
			wp_die( esc_html__( 'You are not allowed to do this.', 'digest-newsletter' ), 403 );
		}
		check_admin_referer( 'digest_newsletter_check' );
		set_transient( 'digest_newsletter_check_' . get_current_user_id(), self::findings(), 60 );
		wp_safe_redirect( admin_url( 'options-general.php?page=' . self::PAGE ) );
		exit;
	}

	/**
	 * Returns what a check finds: pairs of "success" or "error", and a sentence.
	 *
	 * @return array[]
	 */
	public static function findings() {
		$token = Digest_Newsletter_Api::call( 'GET', '/token' );
		if ( is_wp_error( $token ) ) {
			return array( array( 'error', $token->get_error_message() ) );
		}
		/* translators: %s: name of the API token */
		$findings = array( array( 'success', sprintf( __( 'Connected to Digest with the token “%s”.', 'digest-newsletter' ), $token['name'] ) ) );
		$missing  = array_diff( self::SCOPES, $token['scopes'] );
		if ( $missing ) {
			/* translators: %s: list of scopes */
			$findings[] = array( 'error', sprintf( __( 'The token lacks these scopes: %s. Create another token in Digest.', 'digest-newsletter' ), implode( ', ', $missing ) ) );
			return $findings;
		}
		return array_merge( $findings, self::newsletter_findings() );
	}

	/**
	 * Returns what a check finds about the newsletter, and lets it use what is sent.
	 *
	 * @return array[]
	 */
	private static function newsletter_findings() {
		$newsletters = self::newsletters();
		$slug        = Digest_Newsletter_Options::get( 'newsletter' );
		if ( is_wp_error( $newsletters ) ) {
			return array( array( 'error', $newsletters->get_error_message() ) );
		}
		if ( ! isset( $newsletters[ $slug ] ) ) {
			return array( array( 'error', __( 'Choose a newsletter, and save.', 'digest-newsletter' ) ) );
		}
		$source = Digest_Newsletter_Api::call(
			'POST',
			'/sources',
			array(
				'newsletter' => $slug,
				'pushed'     => true,
			)
		);
		if ( is_wp_error( $source ) ) {
			return array( array( 'error', $source->get_error_message() ) );
		}
		/* translators: %s: name of a newsletter */
		return array( array( 'success', sprintf( __( '“%s” can use the posts that this site sends.', 'digest-newsletter' ), $newsletters[ $slug ]['name'] ) ) );
	}

	/**
	 * Returns the newsletters of this site's token, by slug.
	 *
	 * @return array|WP_Error
	 */
	public static function newsletters() {
		$answer = Digest_Newsletter_Api::call( 'GET', '/newsletters?limit=200' );
		return is_wp_error( $answer ) ? $answer : array_column( $answer['items'], null, 'slug' );
	}

	/**
	 * Shows the page.
	 */
	public function show() {
		$options     = Digest_Newsletter_Options::all();
		$newsletters = Digest_Newsletter_Options::are_complete() ? self::newsletters() : array();
		$name        = Digest_Newsletter_Options::NAME;
		?>
		<div class="wrap">
			<h1><?php esc_html_e( 'Digest Newsletter', 'digest-newsletter' ); ?></h1>
			<?php $this->show_findings( $newsletters ); ?>
			<form method="post" action="options.php">
				<?php settings_fields( self::PAGE ); ?>
				<table class="form-table" role="presentation">
					<tr>
						<th scope="row"><label for="digest-address"><?php esc_html_e( 'Address of Digest', 'digest-newsletter' ); ?></label></th>
						<td><input class="regular-text code" type="url" id="digest-address" name="<?php echo esc_attr( $name ); ?>[address]" value="<?php echo esc_attr( $options['address'] ); ?>" placeholder="https://digest.news.example" required></td>
					</tr>
					<tr>
						<th scope="row"><label for="digest-token"><?php esc_html_e( 'API token', 'digest-newsletter' ); ?></label></th>
						<td>
							<?php if ( defined( 'DIGEST_NEWSLETTER_TOKEN' ) ) : ?>
								<p><?php esc_html_e( 'Set in wp-config.php.', 'digest-newsletter' ); ?></p>
							<?php else : ?>
								<input class="regular-text code" type="password" id="digest-token" name="<?php echo esc_attr( $name ); ?>[token]" value="" autocomplete="off" placeholder="<?php echo esc_attr( $options['token'] ? __( 'Stored. Enter another one to replace it.', 'digest-newsletter' ) : 'dg_…' ); ?>">
							<?php endif; ?>
							<p class="description">
							<?php
							/* translators: %s: list of scopes */
							echo esc_html( sprintf( __( 'Create it in Digest under Settings → API tokens, for one publication, with the scopes %s.', 'digest-newsletter' ), implode( ', ', self::SCOPES ) ) );
							?>
							</p>
						</td>
					</tr>
					<?php $this->show_newsletter_row( $options, $newsletters ); ?>
					<tr>
						<th scope="row"><?php esc_html_e( 'Posts', 'digest-newsletter' ); ?></th>
						<td><fieldset>
							<legend class="screen-reader-text"><?php esc_html_e( 'Posts', 'digest-newsletter' ); ?></legend>
							<label><input type="checkbox" name="<?php echo esc_attr( $name ); ?>[push]" value="1" <?php checked( $options['push'] ); ?>> <?php esc_html_e( 'Send posts to Digest when they are published or corrected, and retract them when they are taken down', 'digest-newsletter' ); ?></label><br>
							<?php foreach ( self::types() as $type ) : ?>
								<label><input type="checkbox" name="<?php echo esc_attr( $name ); ?>[types][]" value="<?php echo esc_attr( $type ); ?>" <?php checked( in_array( $type, $options['types'], true ) ); ?>> <?php echo esc_html( get_post_type_object( $type )->labels->name ); ?></label><br>
							<?php endforeach; ?>
						</fieldset></td>
					</tr>
				</table>
				<?php submit_button(); ?>
			</form>
			<form method="post" action="<?php echo esc_url( admin_url( 'admin-post.php' ) ); ?>">
				<input type="hidden" name="action" value="digest_newsletter_check">
				<?php wp_nonce_field( 'digest_newsletter_check' ); ?>
				<?php submit_button( __( 'Check the connection', 'digest-newsletter' ), 'secondary', 'check', false ); ?>
			</form>
		</div>
		<?php
	}

	/**
	 * Shows what the last check found, once; or why newsletters could not be listed.
	 *
	 * @param array|WP_Error $newsletters The newsletters.
	 */
	private function show_findings( $newsletters ) {
		$name     = 'digest_newsletter_check_' . get_current_user_id();
		$findings = get_transient( $name );
		delete_transient( $name );
		if ( ! $findings && is_wp_error( $newsletters ) ) {
			$findings = array( array( 'error', $newsletters->get_error_message() ) );
		}
		foreach ( $findings ? $findings : array() as $finding ) {
			printf( '<div class="notice notice-%s"><p>%s</p></div>', esc_attr( $finding[0] ), esc_html( $finding[1] ) );
		}
	}

	/**
	 * Shows the choice of a newsletter, once there is a connection.
	 *
	 * @param array          $options     The options.
	 * @param array|WP_Error $newsletters The newsletters.
	 */
	private function show_newsletter_row( $options, $newsletters ) {
		$name = Digest_Newsletter_Options::NAME;
		if ( is_wp_error( $newsletters ) || ! $newsletters ) {
			printf( '<input type="hidden" name="%1$s[newsletter]" value="%2$s"><input type="hidden" name="%1$s[publication]" value="%3$s">', esc_attr( $name ), esc_attr( $options['newsletter'] ), esc_attr( $options['publication'] ) );
			return;
		}
		$publications = array_unique( array_column( $newsletters, 'publication' ) );
		?>
		<tr>
			<th scope="row"><label for="digest-newsletter"><?php esc_html_e( 'Newsletter', 'digest-newsletter' ); ?></label></th>
			<td><select id="digest-newsletter" name="<?php echo esc_attr( $name ); ?>[newsletter]">
				<?php foreach ( $newsletters as $slug => $newsletter ) : ?>
					<option value="<?php echo esc_attr( $slug ); ?>" <?php selected( $options['newsletter'], $slug ); ?>><?php echo esc_html( $newsletter['name'] ); ?></option>
				<?php endforeach; ?>
			</select>
			<p class="description"><?php esc_html_e( 'For blocks and issues that name no other.', 'digest-newsletter' ); ?></p></td>
		</tr>
		<tr>
			<th scope="row"><label for="digest-publication"><?php esc_html_e( 'Publication', 'digest-newsletter' ); ?></label></th>
			<td><select id="digest-publication" name="<?php echo esc_attr( $name ); ?>[publication]">
				<?php foreach ( $publications as $publication ) : ?>
					<option value="<?php echo esc_attr( $publication ); ?>" <?php selected( $options['publication'], $publication ); ?>><?php echo esc_html( $publication ); ?></option>
				<?php endforeach; ?>
			</select>
			<p class="description"><?php esc_html_e( 'To which the posts of this site belong.', 'digest-newsletter' ); ?></p></td>
		</tr>
		<?php
	}
}
