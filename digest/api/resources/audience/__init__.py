"""Operations on the audience: attributes, segments, bulk changes, sign-up forms."""
