<?php
/**
 * Blocks: sign-up form, latest and popular articles, appeal.
 *
 * @package Digest_Newsletter
 */

defined( 'ABSPATH' ) || exit;

/**
 * The server writes one line of script for each block; Digest draws it, without cookies. A visitor without
 * scripts gets a frame.
 */
class Digest_Newsletter_Blocks {

	const KINDS   = array( 'signup', 'latest', 'popular', 'appeal' );
	const HEIGHTS = array( // CSS px of the frame.
		'signup'  => 360,
		'latest'  => 420,
		'popular' => 420,
		'appeal'  => 320,
	);

	/**
	 * Registers the hooks.
	 */
	public function register() {
		add_action( 'init', array( $this, 'register_blocks' ) );
		add_filter( 'block_categories_all', array( $this, 'add_category' ) );
	}

	/**
	 * Adds the blocks' own category.
	 *
	 * @param array[] $categories The categories.
	 * @return array[]
	 */
	public function add_category( $categories ) {
		$categories[] = array(
			'slug'  => 'digest-newsletter',
			'title' => __( 'Digest Newsletter', 'digest-newsletter' ),
		);
		return $categories;
	}

	/**
	 * Registers the blocks.
	 */
	public function register_blocks() {
		wp_register_script(
			'digest-newsletter-blocks',
			plugins_url( 'assets/blocks.js', DIGEST_NEWSLETTER_FILE ),
			array( 'wp-blocks', 'wp-block-editor', 'wp-components', 'wp-element', 'wp-i18n' ),
			DIGEST_NEWSLETTER_VERSION,
			true
		);
		wp_set_script_translations( 'digest-newsletter-blocks', 'digest-newsletter', dirname( DIGEST_NEWSLETTER_FILE ) . '/languages' );
		$settings = array(
			'address'    => Digest_Newsletter_Options::get( 'address' ),
			'newsletter' => Digest_Newsletter_Options::get( 'newsletter' ),
			'heights'    => self::HEIGHTS,
		);
		wp_add_inline_script( 'digest-newsletter-blocks', 'window.digestNewsletter = ' . wp_json_encode( $settings ) . ';', 'before' );
		foreach ( self::KINDS as $kind ) {
			register_block_type( 'digest-newsletter/' . $kind, $this->block( $kind ) );
		}
	}

	/**
	 * Returns the settings of a block.
	 *
	 * @param string $kind One of KINDS.
	 * @return array
	 */
	private function block( $kind ) {
		return array(
			'api_version'     => 2,
			'category'        => 'digest-newsletter',
			'editor_script'   => 'digest-newsletter-blocks',
			'attributes'      => array(
				'newsletter' => array(
					'type'    => 'string',
					'default' => '',
				),
				'heading'    => array(
					'type'    => 'string',
					'default' => '',
				),
				'count'      => array(
					'type'    => 'number',
					'default' => 5,
				),
			),
			'supports'        => array( 'html' => false ),
			'render_callback' => function ( $attributes ) use ( $kind ) {
				return self::render( $kind, $attributes );
			},
		);
	}

	/**
	 * Returns a block as HTML; empty while nothing is set up, in feeds, and in what Digest gets.
	 *
	 * @param string $kind       One of KINDS.
	 * @param array  $attributes What the editor chose.
	 * @return string
	 */
	public static function render( $kind, $attributes ) {
		$options    = Digest_Newsletter_Options::all();
		$newsletter = ! empty( $attributes['newsletter'] ) ? $attributes['newsletter'] : $options['newsletter'];
		if ( '' === $options['address'] || '' === $newsletter || is_feed() || Digest_Newsletter_Article::$is_rendering ) {
			return '';
		}
		$url  = $options['address'] . '/embed/' . rawurlencode( $newsletter ) . '/' . $kind;
		$tags = array(
			'src'   => esc_url( $url . '.js' ),
			'async' => true,
		);
		if ( ! empty( $attributes['heading'] ) ) {
			$tags['data-heading'] = $attributes['heading'];
		}
		if ( in_array( $kind, array( 'latest', 'popular' ), true ) ) {
			$tags['data-count'] = (string) max( 1, min( 10, (int) $attributes['count'] ) );
		}
		$frame = sprintf(
			'<noscript><iframe src="%s" title="%s" height="%d" style="width:100%%;border:0" loading="lazy"></iframe></noscript>',
			esc_url( $url ),
			esc_attr__( 'Newsletter', 'digest-newsletter' ),
			self::HEIGHTS[ $kind ]
		);
		return '<div class="wp-block-digest-newsletter-' . esc_attr( $kind ) . '">' . wp_get_script_tag( $tags ) . $frame . '</div>';
	}
}
