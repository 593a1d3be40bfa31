<?php
/**
 * "Send as an issue": a draft of one post, which editors review and send in Digest.
 *
 * @package Digest_Newsletter
 */

defined( 'ABSPATH' ) || exit;

/**
 * The page that asks for the newsletter, and the links to it. Nothing is mailed from here.
 */
class Digest_Newsletter_Issues {

	const PAGE = 'digest-newsletter-send';

	/**
	 * Registers the hooks.
	 */
	public function register() {
		add_action( 'admin_menu', array( $this, 'add_page' ) );
		add_action( 'add_meta_boxes', array( $this, 'add_box' ), 10, 2 );
		add_action( 'admin_post_digest_newsletter_issue', array( $this, 'create' ) );
		add_filter( 'post_row_actions', array( $this, 'add_action' ), 10, 2 );
		add_filter( 'page_row_actions', array( $this, 'add_action' ), 10, 2 );
	}

	/**
	 * Adds the page, which no menu shows.
	 */
	public function add_page() {
		add_submenu_page( 'options.php', __( 'Send as an issue', 'digest-newsletter' ), '', 'publish_posts', self::PAGE, array( $this, 'show' ) );
	}

	/**
	 * Adds the box beside the editor.
	 *
	 * @param string  $type Post type.
	 * @param WP_Post $post The post.
	 */
	public function add_box( $type, $post ) {
		if ( $post instanceof WP_Post && Digest_Newsletter_Options::sends_type( $type ) ) {
			add_meta_box( 'digest-newsletter', __( 'Digest Newsletter', 'digest-newsletter' ), array( $this, 'show_box' ), $type, 'side' );
		}
	}

	/**
	 * Adds a link to each post of a list.
	 *
	 * @param string[] $actions Links below the title.
	 * @param WP_Post  $post    The post.
	 * @return string[]
	 */
	public function add_action( $actions, $post ) {
		if ( self::may_send( $post ) ) {
			$actions['digest_newsletter'] = '<a href="' . esc_url( self::page_url( $post ) ) . '">' . esc_html__( 'Send as an issue', 'digest-newsletter' ) . '</a>';
		}
		return $actions;
	}

	/**
	 * Shows whether Digest has the post, and the button.
	 *
	 * @param WP_Post $post The post.
	 */
	public function show_box( $post ) {
		$problem = get_post_meta( $post->ID, Digest_Newsletter_Publishing::PROBLEM, true );
		$sent    = (int) get_post_meta( $post->ID, Digest_Newsletter_Publishing::SENT, true );
		if ( $problem ) {
			/* translators: %s: reason */
			echo '<p class="notice notice-error inline">' . esc_html( sprintf( __( 'Digest does not have this version: %s', 'digest-newsletter' ), $problem ) ) . '</p>';
		} elseif ( get_post_meta( $post->ID, Digest_Newsletter_Publishing::RETRACTED, true ) ) {
			echo '<p>' . esc_html__( 'Retracted in Digest: it goes into no further mail.', 'digest-newsletter' ) . '</p>';
		} elseif ( $sent ) {
			/* translators: %s: date and time with its zone */
			echo '<p>' . esc_html( sprintf( __( 'Digest has this post since %s.', 'digest-newsletter' ), wp_date( get_option( 'date_format' ) . ' ' . get_option( 'time_format' ) . ' T', $sent ) ) ) . '</p>';
		} else {
			echo '<p>' . esc_html__( 'Digest gets this post when it is published.', 'digest-newsletter' ) . '</p>';
		}
		if ( self::may_send( $post ) ) {
			echo '<p><a class="button" href="' . esc_url( self::page_url( $post ) ) . '">' . esc_html__( 'Send as an issue …', 'digest-newsletter' ) . '</a></p>';
		}
	}

	/**
	 * Asks for the newsletter and the content.
	 */
	public function show() {
		$post = get_post( isset( $_GET['post'] ) ? absint( $_GET['post'] ) : 0 ); // phpcs:ignore WordPress.Security.NonceVerification.Recommended -- only shown.
		if ( ! $post || ! self::may_send( $post ) ) {
			wp_die( esc_html__( 'This post cannot be sent: it is not published, or you may not publish posts.', 'digest-newsletter' ), 403 );
		}
		$newsletters = Digest_Newsletter_Settings::newsletters();
		$problem     = is_wp_error( $newsletters ) ? $newsletters->get_error_message() : get_transient( self::problem_name() );
		delete_transient( self::problem_name() );
		?>
		<div class="wrap">
			<h1><?php esc_html_e( 'Send as an issue', 'digest-newsletter' ); ?></h1>
			<?php if ( $problem ) : ?>
				<div class="notice notice-error"><p><?php echo esc_html( $problem ); ?></p></div>
			<?php endif; ?>
			<?php
			if ( ! is_wp_error( $newsletters ) ) {
				self::show_form( $post, $newsletters );
			}
			?>
		</div>
		<?php
	}

	/**
	 * Shows the form.
	 *
	 * @param WP_Post $post        The post.
	 * @param array   $newsletters Newsletters by slug.
	 */
	private static function show_form( $post, $newsletters ) {
		?>
		<p><strong><?php echo esc_html( get_the_title( $post ) ); ?></strong></p>
		<p><?php esc_html_e( 'Digest makes a draft of this post alone. Nothing is sent yet: you review and send it there.', 'digest-newsletter' ); ?></p>
		<form method="post" action="<?php echo esc_url( admin_url( 'admin-post.php' ) ); ?>">
			<input type="hidden" name="action" value="digest_newsletter_issue">
			<input type="hidden" name="post" value="<?php echo esc_attr( $post->ID ); ?>">
			<input type="hidden" name="key" value="<?php echo esc_attr( wp_generate_uuid4() ); ?>">
			<?php wp_nonce_field( 'digest_newsletter_issue_' . $post->ID ); ?>
			<p><label><?php esc_html_e( 'Newsletter', 'digest-newsletter' ); ?><br>
				<select name="newsletter">
					<?php foreach ( $newsletters as $slug => $newsletter ) : ?>
						<option value="<?php echo esc_attr( $slug ); ?>" <?php selected( Digest_Newsletter_Options::get( 'newsletter' ), $slug ); ?>><?php echo esc_html( $newsletter['name'] ); ?></option>
					<?php endforeach; ?>
				</select></label></p>
			<fieldset>
				<legend><?php esc_html_e( 'Content', 'digest-newsletter' ); ?></legend>
				<p><label><input type="radio" name="content" value="whole" checked> <?php esc_html_e( 'The whole post', 'digest-newsletter' ); ?></label><br>
				<label><input type="radio" name="content" value="summary"> <?php esc_html_e( 'Headline and excerpt, with a link', 'digest-newsletter' ); ?></label></p>
			</fieldset>
			<?php submit_button( __( 'Create draft in Digest', 'digest-newsletter' ) ); ?>
		</form>
		<?php
	}

	/**
	 * Sends the post as it is now, makes the draft, and opens it in Digest.
	 */
	public function create() {
		$post = get_post( isset( $_POST['post'] ) ? absint( $_POST['post'] ) : 0 );
		check_admin_referer( 'digest_newsletter_issue_' . ( $post ? $post->ID : 0 ) );
		if ( ! $post || ! self::may_send( $post ) ) {
			wp_die( esc_html__( 'This post cannot be sent: it is not published, or you may not publish posts.', 'digest-newsletter' ), 403 );
		}
		$newsletter = isset( $_POST['newsletter'] ) ? sanitize_title( wp_unslash( $_POST['newsletter'] ) ) : '';
		$whole      = isset( $_POST['content'] ) && 'whole' === $_POST['content'];
		$key        = isset( $_POST['key'] ) ? sanitize_key( wp_unslash( $_POST['key'] ) ) : '';
		$issue      = self::draft( $post, $newsletter, $whole, $key );
		if ( is_wp_error( $issue ) ) {
			set_transient( self::problem_name(), $issue->get_error_message(), 60 );
			wp_safe_redirect( self::page_url( $post ) );
			exit;
		}
		wp_redirect( esc_url_raw( $issue['console_url'] ) ); // phpcs:ignore WordPress.Security.SafeRedirect -- Digest is another site.
		exit;
	}

	/**
	 * Makes a draft of a post.
	 *
	 * @param WP_Post $post       The post.
	 * @param string  $newsletter Slug of the newsletter.
	 * @param bool    $whole      Whether with its whole text.
	 * @param string  $key        Idempotency key: pressed twice, it makes one draft.
	 * @return array|WP_Error The issue.
	 */
	public static function draft( $post, $newsletter, $whole, $key ) {
		$sent = Digest_Newsletter_Publishing::send( $post->ID );
		if ( is_wp_error( $sent ) ) {
			return $sent;
		}
		$article = (int) get_post_meta( $post->ID, Digest_Newsletter_Publishing::ARTICLE, true );
		$body    = array(
			'articles' => array( $article ),
			'whole'    => $whole,
		);
		return Digest_Newsletter_Api::call( 'POST', '/newsletters/' . rawurlencode( $newsletter ) . '/issues', $body, $key );
	}

	/**
	 * Tells whether the user may make an issue of a post.
	 *
	 * @param WP_Post $post The post.
	 * @return bool
	 */
	private static function may_send( $post ) {
		return Digest_Newsletter_Options::sends_type( $post->post_type )
			&& Digest_Newsletter_Publishing::is_public( $post )
			&& current_user_can( 'publish_posts' )
			&& current_user_can( 'edit_post', $post->ID );
	}

	/**
	 * Returns the address of the page that asks.
	 *
	 * @param WP_Post $post The post.
	 * @return string
	 */
	private static function page_url( $post ) {
		return admin_url( 'admin.php?page=' . self::PAGE . '&post=' . $post->ID );
	}

	/**
	 * Returns the name under which a problem waits for the next page of this user.
	 *
	 * @return string
	 */
	private static function problem_name() {
		return 'digest_newsletter_problem_' . get_current_user_id();
	}
}
