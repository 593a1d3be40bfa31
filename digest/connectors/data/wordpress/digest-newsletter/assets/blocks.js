/**
 * The blocks in the editor: what Digest shows, in a frame, and their settings.
 */
( function ( blocks, blockEditor, components, element, i18n, settings ) {
	var el = element.createElement;
	var __ = i18n.__;
	var kinds = {
		signup: { title: __( 'Newsletter sign-up', 'digest-newsletter' ), icon: 'email-alt' },
		latest: { title: __( 'Latest stories', 'digest-newsletter' ), icon: 'list-view', counted: true },
		popular: { title: __( 'Popular articles', 'digest-newsletter' ), icon: 'chart-bar', counted: true },
		appeal: { title: __( 'Appeal', 'digest-newsletter' ), icon: 'heart' },
	};

	function controls( kind, props ) {
		var fields = [
			el( components.TextControl, {
				key: 'newsletter',
				label: __( 'Newsletter', 'digest-newsletter' ),
				help: __( 'Its short name in Digest. Empty: the one of the settings.', 'digest-newsletter' ),
				placeholder: settings.newsletter,
				value: props.attributes.newsletter,
				onChange: function ( value ) {
					props.setAttributes( { newsletter: value.trim() } );
				},
			} ),
			el( components.TextControl, {
				key: 'heading',
				label: __( 'Heading', 'digest-newsletter' ),
				help: __( 'Empty: as Digest has it.', 'digest-newsletter' ),
				value: props.attributes.heading,
				onChange: function ( value ) {
					props.setAttributes( { heading: value } );
				},
			} ),
		];
		if ( kind.counted ) {
			fields.push(
				el( components.RangeControl, {
					key: 'count',
					label: __( 'Number of articles', 'digest-newsletter' ),
					min: 1,
					max: 10,
					value: props.attributes.count,
					onChange: function ( value ) {
						props.setAttributes( { count: value } );
					},
				} )
			);
		}
		return el(
			blockEditor.InspectorControls,
			{},
			el( components.PanelBody, { title: __( 'Settings', 'digest-newsletter' ) }, fields )
		);
	}

	function preview( name, kind, props ) {
		var newsletter = props.attributes.newsletter || settings.newsletter;
		if ( ! settings.address || ! newsletter ) {
			return el( components.Placeholder, {
				icon: kind.icon,
				label: kind.title,
				instructions: __( 'Enter the address of Digest under Settings → Digest Newsletter.', 'digest-newsletter' ),
			} );
		}
		return el( 'iframe', {
			src: settings.address + '/embed/' + encodeURIComponent( newsletter ) + '/' + name,
			title: kind.title,
			height: settings.heights[ name ],
			style: { width: '100%', border: 0, pointerEvents: 'none' },
		} );
	}

	Object.keys( kinds ).forEach( function ( name ) {
		var kind = kinds[ name ];
		blocks.registerBlockType( 'digest-newsletter/' + name, {
			apiVersion: 2,
			title: kind.title,
			icon: kind.icon,
			category: 'digest-newsletter',
			attributes: {
				newsletter: { type: 'string', default: '' },
				heading: { type: 'string', default: '' },
				count: { type: 'number', default: 5 },
			},
			supports: { html: false },
			edit: function ( props ) {
				return el(
					'div',
					blockEditor.useBlockProps(),
					controls( kind, props ),
					preview( name, kind, props )
				);
			},
			save: function () {
				return null;
			},
		} );
	} );
} )( window.wp.blocks, window.wp.blockEditor, window.wp.components, window.wp.element, window.wp.i18n, window.digestNewsletter );
