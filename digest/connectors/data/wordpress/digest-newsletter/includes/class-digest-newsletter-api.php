<?php
/**
 * Calls to Digest.
 *
 * @package Digest_Newsletter
 */

defined( 'ABSPATH' ) || exit;

/**
 * Digest's REST API, version 1.
 */
class Digest_Newsletter_Api {

	const SECONDS = 8; // An editor waits while a post is sent.

	/**
	 * Calls Digest.
	 *
	 * @param string     $method  HTTP method.
	 * @param string     $path    Path below /api/v1.
	 * @param array|null $body    What to send, or null.
	 * @param string     $key     Idempotency key, for requests that create something.
	 * @return array|WP_Error The answer, or what went wrong in words for editors. The error's data has the
	 *                        HTTP status; 0 if Digest could not be reached.
	 */
	public static function call( $method, $path, $body = null, $key = '' ) {
		if ( ! Digest_Newsletter_Options::are_complete() ) {
			return new WP_Error( 'digest_newsletter', __( 'Enter the address of Digest and an API token under Settings → Digest Newsletter.', 'digest-newsletter' ), array( 'status' => 401 ) );
		}
		$options = Digest_Newsletter_Options::all();
		$headers = array(
			'Authorization' => 'Bearer ' . $options['token'],
			'Accept'        => 'application/json',
		);
		if ( '' !== $key ) {
			$headers['Idempotency-Key'] = $key;
		}
		$request = array(
			'method'      => $method,
			'timeout'     => self::SECONDS,
			'redirection' => 0,
			'headers'     => $headers,
		);
		if ( null !== $body ) {
			$request['headers']['Content-Type'] = 'application/json';
			$request['body']                    = wp_json_encode( $body, JSON_INVALID_UTF8_SUBSTITUTE );
		}
		$response = wp_remote_request( $options['address'] . '/api/v1' . $path, $request );
		return self::read( $response );
	}

	/**
	 * Returns what an answer holds.
	 *
	 * @param array|WP_Error $response What wp_remote_request() returned.
	 * @return array|WP_Error
	 */
	private static function read( $response ) {
		if ( is_wp_error( $response ) ) {
			/* translators: %s: technical reason */
			$message = sprintf( __( 'Digest could not be reached: %s', 'digest-newsletter' ), $response->get_error_message() );
			return new WP_Error( 'digest_newsletter', $message, array( 'status' => 0 ) );
		}
		$status = (int) wp_remote_retrieve_response_code( $response );
		$answer = json_decode( wp_remote_retrieve_body( $response ), true );
		if ( $status >= 200 && $status < 300 ) {
			return is_array( $answer ) ? $answer : array();
		}
		if ( 401 === $status ) {
			$message = __( 'Digest does not accept the API token: it is unknown, revoked or expired.', 'digest-newsletter' );
		} elseif ( is_array( $answer ) && ! empty( $answer['detail'] ) ) {
			$message = self::explain( $answer );
		} else {
			/* translators: %d: HTTP status */
			$message = sprintf( __( 'Digest answered with the status %d. Check the address.', 'digest-newsletter' ), $status );
		}
		return new WP_Error( 'digest_newsletter', $message, array( 'status' => $status ) );
	}

	/**
	 * Returns the reason that Digest gives (RFC 9457), with the fields that it is about.
	 *
	 * @param array $problem The decoded body.
	 * @return string
	 */
	private static function explain( $problem ) {
		$message = (string) $problem['detail'];
		foreach ( isset( $problem['errors'] ) ? (array) $problem['errors'] : array() as $error ) {
			if ( isset( $error['location'], $error['message'] ) ) {
				$message .= ' ' . $error['location'] . ': ' . $error['message'] . '.';
			}
		}
		return $message;
	}
}
