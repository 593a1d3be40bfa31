<?php
/**
 * A post as Digest takes it.
 *
 * @package Digest_Newsletter
 */

defined( 'ABSPATH' ) || exit;

/**
 * Turns posts into articles.
 */
class Digest_Newsletter_Article {

	const LONGEST_BODY = 400000; // Bytes; a longer text is not sent along.

	/**
	 * Whether a post is rendered for Digest at the moment: the plugin's own blocks are empty then.
	 *
	 * @var bool
	 */
	public static $is_rendering = false;

	/**
	 * Returns a post as an article, as visitors see it who are not signed in: whoever saves it may be
	 * allowed to read more. The filter `digest_newsletter_article` may change it.
	 *
	 * @param WP_Post $post A published post.
	 * @return array
	 */
	public static function from_post( $post ) {
		$user = get_current_user_id();
		wp_set_current_user( 0 );
		try {
			$article = self::fields( $post );
		} finally {
			wp_set_current_user( $user );
		}

		/**
		 * Filters an article before it is sent, for example to name several authors.
		 *
		 * @param array   $article Fields of POST /articles in Digest's API.
		 * @param WP_Post $post    The post.
		 */
		return apply_filters( 'digest_newsletter_article', $article, $post );
	}

	/**
	 * Returns the fields of an article.
	 *
	 * @param WP_Post $post A published post.
	 * @return array
	 */
	private static function fields( $post ) {
		$body  = self::body( $post );
		$image = (int) get_post_thumbnail_id( $post );
		$url   = $image ? wp_get_attachment_image_url( $image, 'full' ) : false;
		$terms = self::names( $post, 'category' );

		return array(
			'publication'   => Digest_Newsletter_Options::get( 'publication' ),
			'guid'          => $post->guid,
			'url'           => get_permalink( $post ),
			'title'         => self::cut( get_the_title( $post ), 1000 ),
			'summary'       => self::cut( self::summary( $post, $body ), 5000 ),
			'body_html'     => strlen( $body ) > self::LONGEST_BODY ? '' : $body,
			'byline'        => self::cut( get_the_author_meta( 'display_name', (int) $post->post_author ), 300 ),
			'section'       => self::cut( $terms ? $terms[0] : '', 200 ),
			'tags'          => array_slice( array_values( array_unique( array_merge( $terms, self::names( $post, 'post_tag' ) ) ) ), 0, 50 ),
			'language'      => str_replace( '_', '-', get_bloginfo( 'language' ) ),
			'published_at'  => self::moment( $post, 'date' ),
			'updated_at'    => self::moment( $post, 'modified' ),
			'image_url'     => $url ? $url : null,
			'image_alt'     => $image ? (string) get_post_meta( $image, '_wp_attachment_image_alt', true ) : '',
			'image_caption' => $image ? (string) wp_get_attachment_caption( $image ) : '',
		);
	}

	/**
	 * Returns the text of a post as the site shows it, without this plugin's blocks.
	 *
	 * @param WP_Post $post The post.
	 * @return string
	 */
	private static function body( $post ) {
		$before             = isset( $GLOBALS['post'] ) ? $GLOBALS['post'] : null;
		self::$is_rendering = true;
		try {
			$GLOBALS['post'] = $post; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited -- put back below.
			setup_postdata( $post );
			/** This filter is documented in wp-includes/post-template.php */
			return (string) apply_filters( 'the_content', $post->post_content );
		} finally {
			self::$is_rendering = false;
			$GLOBALS['post']    = $before; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited
			if ( $before ) {
				setup_postdata( $before );
			}
		}
	}

	/**
	 * Returns the excerpt, or how the text begins.
	 *
	 * @param WP_Post $post The post.
	 * @param string  $body Its text as HTML.
	 * @return string
	 */
	private static function summary( $post, $body ) {
		if ( has_excerpt( $post ) ) {
			return wp_strip_all_tags( $post->post_excerpt );
		}
		return wp_trim_words( $body, 40, '…' );
	}

	/**
	 * Returns the names of a post's terms; the category of posts without one is left out.
	 *
	 * @param WP_Post $post     The post.
	 * @param string  $taxonomy Name of the taxonomy.
	 * @return string[]
	 */
	private static function names( $post, $taxonomy ) {
		$terms = get_the_terms( $post, $taxonomy );
		if ( ! is_array( $terms ) ) {
			return array();
		}
		$names = array();
		foreach ( $terms as $term ) {
			if ( 'category' !== $taxonomy || (int) get_option( 'default_category' ) !== (int) $term->term_id ) {
				$names[] = self::cut( html_entity_decode( $term->name, ENT_QUOTES, 'UTF-8' ), 200 );
			}
		}
		return $names;
	}

	/**
	 * Returns a time of a post in UTC (RFC 3339).
	 *
	 * @param WP_Post $post  The post.
	 * @param string  $field "date" or "modified".
	 * @return string|null
	 */
	private static function moment( $post, $field ) {
		$moment = get_post_datetime( $post, $field, 'gmt' );
		return $moment ? $moment->format( DATE_RFC3339 ) : null;
	}

	/**
	 * Returns a text on one line, at most so many characters long.
	 *
	 * @param string $text    The text.
	 * @param int    $longest Number of characters.
	 * @return string
	 */
	private static function cut( $text, $longest ) {
		$line = trim( preg_replace( '/[\x00-\x1f\x7f]+/', ' ', (string) $text ) );
		return mb_substr( $line, 0, $longest );
	}
}
