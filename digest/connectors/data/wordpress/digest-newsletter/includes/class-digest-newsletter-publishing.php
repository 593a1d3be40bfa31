<?php
/**
 * Posts go to Digest when they are published and corrected, and are retracted when they are taken down.
 *
 * @package Digest_Newsletter
 */

defined( 'ABSPATH' ) || exit;

/**
 * Watches posts. What Digest did not take is sent again later, by WP-Cron.
 */
class Digest_Newsletter_Publishing {

	const EVENT     = 'digest_newsletter_retry';
	const DELETED   = 'digest_newsletter_retract';    // As EVENT, of a post that is not there any more.
	const ARTICLE   = '_digest_newsletter_article';   // Digest's id of the article.
	const SENT      = '_digest_newsletter_sent';      // Unix time of the last success.
	const PROBLEM   = '_digest_newsletter_problem';   // Why the last attempt failed.
	const RETRACTED = '_digest_newsletter_retracted'; // "1" while it is retracted.
	const WAITS     = array( 60, 300, 1800, 7200, 28800 ); // Seconds until each further attempt.

	/**
	 * Registers the hooks.
	 */
	public function register() {
		add_action( 'wp_after_insert_post', array( $this, 'on_save' ), 20, 4 );
		add_action( 'before_delete_post', array( $this, 'on_delete' ) );
		add_action( self::EVENT, array( $this, 'retry' ), 10, 2 );
		add_action( self::DELETED, array( $this, 'retract_deleted' ), 10, 2 );
	}

	/**
	 * Sends a post that was saved, or retracts it.
	 *
	 * @param int          $post_id     Id of the post.
	 * @param WP_Post      $post        The post.
	 * @param bool         $update      Whether it existed before.
	 * @param WP_Post|null $post_before The post as it was before.
	 */
	public function on_save( $post_id, $post, $update, $post_before ) {
		if ( wp_is_post_revision( $post_id ) || wp_is_post_autosave( $post_id ) ) {
			return;
		}
		if ( ! Digest_Newsletter_Options::sends_type( $post->post_type ) || ! Digest_Newsletter_Options::are_complete() || '' === Digest_Newsletter_Options::get( 'publication' ) ) {
			return;
		}
		$was_public = $post_before instanceof WP_Post && self::is_public( $post_before );
		if ( self::is_public( $post ) || $was_public ) {
			self::send( $post_id, 0 );
		}
	}

	/**
	 * Retracts a post that is deleted for good, unless it has been. What was stored with it goes, too.
	 *
	 * @param int $post_id Id of the post.
	 */
	public function on_delete( $post_id ) {
		$article = (int) get_post_meta( $post_id, self::ARTICLE, true );
		if ( $article && ! get_post_meta( $post_id, self::RETRACTED, true ) ) {
			self::forget_retries( $post_id );
			$this->retract_deleted( $article, 0 );
		}
	}

	/**
	 * Retracts the article of a post that was deleted; tries again later if Digest does not answer.
	 *
	 * @param int $article Digest's id of the article.
	 * @param int $attempt How often it was tried before.
	 */
	public function retract_deleted( $article, $attempt ) {
		$result = self::take_back( (int) $article );
		if ( is_wp_error( $result ) ) {
			self::plan_attempt( $result, self::DELETED, (int) $article, (int) $attempt );
		}
	}

	/**
	 * Tries once more.
	 *
	 * @param int $post_id Id of the post.
	 * @param int $attempt How often it was tried before.
	 */
	public function retry( $post_id, $attempt ) {
		self::send( (int) $post_id, (int) $attempt );
	}

	/**
	 * Brings Digest up to date with a post, and remembers how that went.
	 *
	 * @param int $post_id Id of the post.
	 * @param int $attempt How often it was tried before.
	 * @return true|WP_Error
	 */
	public static function send( $post_id, $attempt = 0 ) {
		$post   = get_post( $post_id );
		$result = $post && self::is_public( $post ) ? self::push( $post ) : self::retract( $post_id );
		self::forget_retries( $post_id );
		if ( ! is_wp_error( $result ) ) {
			update_post_meta( $post_id, self::SENT, time() );
			delete_post_meta( $post_id, self::PROBLEM );
			return true;
		}
		update_post_meta( $post_id, self::PROBLEM, wp_slash( $result->get_error_message() ) );
		self::plan_attempt( $result, self::EVENT, $post_id, $attempt );
		return $result;
	}

	/**
	 * Plans another attempt, if one may succeed where the last one did not.
	 *
	 * @param WP_Error $problem Why the last one failed.
	 * @param string   $event   EVENT or DELETED.
	 * @param int      $id      Id of the post, or of the article.
	 * @param int      $attempt How often it was tried before.
	 */
	private static function plan_attempt( $problem, $event, $id, $attempt ) {
		$status = self::status_of( $problem );
		$again  = 0 === $status || 409 === $status || 429 === $status || $status >= 500;
		if ( $again && isset( self::WAITS[ $attempt ] ) ) {
			wp_schedule_single_event( time() + self::WAITS[ $attempt ], $event, array( $id, $attempt + 1 ) );
		}
	}

	/**
	 * Returns the status that Digest answered; 0 if it did not.
	 *
	 * @param WP_Error $problem Why a call failed.
	 * @return int
	 */
	private static function status_of( $problem ) {
		$data = $problem->get_error_data();
		return isset( $data['status'] ) ? (int) $data['status'] : 0;
	}

	/**
	 * Sends a post. One that had been taken down is allowed in issues again.
	 *
	 * @param WP_Post $post A published post.
	 * @return true|WP_Error
	 */
	private static function push( $post ) {
		$answer = Digest_Newsletter_Api::call( 'POST', '/articles', Digest_Newsletter_Article::from_post( $post ) );
		if ( is_wp_error( $answer ) ) {
			return $answer;
		}
		update_post_meta( $post->ID, self::ARTICLE, (int) $answer['article']['id'] );
		if ( get_post_meta( $post->ID, self::RETRACTED, true ) ) {
			$restored = Digest_Newsletter_Api::call( 'POST', '/articles/' . (int) $answer['article']['id'] . '/restore' );
			if ( is_wp_error( $restored ) ) {
				return $restored;
			}
			delete_post_meta( $post->ID, self::RETRACTED );
		}
		return true;
	}

	/**
	 * Retracts a post that Digest has: it goes into no further mail.
	 *
	 * @param int $post_id Id of the post.
	 * @return true|WP_Error
	 */
	private static function retract( $post_id ) {
		$article = (int) get_post_meta( $post_id, self::ARTICLE, true );
		if ( ! $article || get_post_meta( $post_id, self::RETRACTED, true ) ) {
			return true;
		}
		$result = self::take_back( $article );
		if ( ! is_wp_error( $result ) ) {
			update_post_meta( $post_id, self::RETRACTED, '1' );
		}
		return $result;
	}

	/**
	 * Retracts an article; one that Digest does not have any more is none.
	 *
	 * @param int $article Digest's id of the article.
	 * @return true|WP_Error
	 */
	private static function take_back( $article ) {
		$answer = Digest_Newsletter_Api::call( 'POST', '/articles/' . $article . '/retract', new stdClass() );
		return is_wp_error( $answer ) && 404 !== self::status_of( $answer ) ? $answer : true;
	}

	/**
	 * Tells whether everybody can read a post.
	 *
	 * @param WP_Post $post The post.
	 * @return bool
	 */
	public static function is_public( $post ) {
		return 'publish' === $post->post_status && '' === $post->post_password;
	}

	/**
	 * Forgets the attempts that are planned for a post, or for all.
	 *
	 * @param int $post_id Id of the post; 0 for all.
	 */
	public static function forget_retries( $post_id = 0 ) {
		if ( ! $post_id ) {
			wp_unschedule_hook( self::EVENT );
			wp_unschedule_hook( self::DELETED );
			return;
		}
		foreach ( array_keys( self::WAITS ) as $attempt ) {
			wp_clear_scheduled_hook( self::EVENT, array( $post_id, $attempt + 1 ) );
		}
	}
}
