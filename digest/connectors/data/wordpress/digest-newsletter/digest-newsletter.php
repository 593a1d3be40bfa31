<?php
/**
 * Plugin Name:       Digest Newsletter
 * Description:       Sends posts to Digest as they are published and corrected, makes issues of them, and shows sign-up forms, latest and popular articles, and appeals.
 * Version:           0.1.0
 * Requires at least: 6.0
 * Requires PHP:      7.4
 * License:           MIT (compatible with the GPL)
 * License URI:       https://opensource.org/license/mit
 * Text Domain:       digest-newsletter
 * Domain Path:       /languages
 *
 * @package Digest_Newsletter
 */

defined( 'ABSPATH' ) || exit;

define( 'DIGEST_NEWSLETTER_VERSION', '0.1.0' );
define( 'DIGEST_NEWSLETTER_FILE', __FILE__ );

require_once __DIR__ . '/includes/class-digest-newsletter-options.php';
require_once __DIR__ . '/includes/class-digest-newsletter-api.php';
require_once __DIR__ . '/includes/class-digest-newsletter-article.php';
require_once __DIR__ . '/includes/class-digest-newsletter-publishing.php';
require_once __DIR__ . '/includes/class-digest-newsletter-settings.php';
require_once __DIR__ . '/includes/class-digest-newsletter-issues.php';
require_once __DIR__ . '/includes/class-digest-newsletter-blocks.php';

add_action(
	'init',
	static function () {
		load_plugin_textdomain( 'digest-newsletter', false, dirname( plugin_basename( __FILE__ ) ) . '/languages' );
	}
);

( new Digest_Newsletter_Publishing() )->register();
( new Digest_Newsletter_Blocks() )->register();
if ( is_admin() ) {
	( new Digest_Newsletter_Settings() )->register();
	( new Digest_Newsletter_Issues() )->register();
}

register_deactivation_hook( __FILE__, array( 'Digest_Newsletter_Publishing', 'forget_retries' ) );
