<?php
/**
 * Removes what the plugin stored. Articles stay in Digest.
 *
 * @package Digest_Newsletter
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

delete_option( 'digest_newsletter' );
foreach ( array( 'article', 'sent', 'problem', 'retracted' ) as $digest_newsletter_name ) {
	delete_post_meta_by_key( '_digest_newsletter_' . $digest_newsletter_name );
}
wp_unschedule_hook( 'digest_newsletter_retry' );
