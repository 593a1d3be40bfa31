<?php
/**
 * What the site owner entered.
 *
 * @package Digest_Newsletter
 */

defined( 'ABSPATH' ) || exit;

/**
 * The plugin's options. A constant in wp-config.php goes before what is stored: DIGEST_NEWSLETTER_TOKEN.
 */
class Digest_Newsletter_Options {

	const NAME = 'digest_newsletter';

	/**
	 * Returns all options.
	 *
	 * @return array{address: string, token: string, publication: string, newsletter: string, push: bool, types: string[]}
	 */
	public static function all() {
		$defaults = array(
			'address'     => '',
			'token'       => '',
			'publication' => '',
			'newsletter'  => '',
			'push'        => true,
			'types'       => array( 'post' ),
		);
		$options  = wp_parse_args( get_option( self::NAME, array() ), $defaults );
		if ( defined( 'DIGEST_NEWSLETTER_TOKEN' ) ) {
			$options['token'] = DIGEST_NEWSLETTER_TOKEN;
		}
		return $options;
	}

	/**
	 * Returns one option.
	 *
	 * @param string $name Name of the option.
	 * @return mixed
	 */
	public static function get( $name ) {
		return self::all()[ $name ];
	}

	/**
	 * Tells whether there is an address and a token.
	 *
	 * @return bool
	 */
	public static function are_complete() {
		$options = self::all();
		return '' !== $options['address'] && '' !== $options['token'];
	}

	/**
	 * Tells whether posts of a type are sent to Digest.
	 *
	 * @param string $type Post type.
	 * @return bool
	 */
	public static function sends_type( $type ) {
		$options = self::all();
		return $options['push'] && in_array( $type, $options['types'], true );
	}
}
