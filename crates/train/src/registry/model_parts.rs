//! The names of what models are made of.

use qkv_model::{
    Activate, AttentionLayer, Catalog, HeadShape, Init, MaskRule, ModelError, Normalize, Place, Positions,
    Score, SelfAttentionConfig, Settings,
};

use crate::registry::Registry;

impl Registry {
    /// Adds an attention layer; see [`Catalog::attention`].
    pub fn attention<C: Settings, L: AttentionLayer>(
        self,
        name: &str,
        build: impl Fn(&C, &Init, &SelfAttentionConfig, &Catalog) -> Result<L, ModelError> + Send + Sync + 'static,
    ) -> Self {
        Self { catalog: self.catalog.attention(name, build), ..self }
    }

    /// Adds a score; see [`Catalog::score`].
    pub fn score<C: Settings, S: Score>(
        self,
        name: &str,
        build: impl Fn(&C, &Init, HeadShape) -> Result<S, ModelError> + Send + Sync + 'static,
    ) -> Self {
        Self { catalog: self.catalog.score(name, build), ..self }
    }

    /// Adds a position scheme; see [`Catalog::positions`].
    pub fn positions<C: Settings, P: Positions>(
        self,
        name: &str,
        build: impl Fn(&C, &Init, Place) -> Result<Option<P>, ModelError> + Send + Sync + 'static,
    ) -> Self {
        Self { catalog: self.catalog.positions(name, build), ..self }
    }

    /// Adds a mask; see [`Catalog::mask`].
    pub fn mask<C: Settings, M: MaskRule>(
        self,
        name: &str,
        build: impl Fn(&C) -> Result<M, ModelError> + Send + Sync + 'static,
    ) -> Self {
        Self { catalog: self.catalog.mask(name, build), ..self }
    }

    /// Adds a norm; see [`Catalog::norm`].
    pub fn norm<C: Settings, N: Normalize>(
        self,
        name: &str,
        build: impl Fn(&C, &Init, usize) -> Result<N, ModelError> + Send + Sync + 'static,
    ) -> Self {
        Self { catalog: self.catalog.norm(name, build), ..self }
    }

    /// Adds an activation; see [`Catalog::activation`].
    pub fn activation<C: Settings, A: Activate>(
        self,
        name: &str,
        build: impl Fn(&C, &Init, usize) -> Result<A, ModelError> + Send + Sync + 'static,
    ) -> Self {
        Self { catalog: self.catalog.activation(name, build), ..self }
    }
}
