//! From a catalog entry to a [`Shape`].

use super::shape::{Keeps, Layers, Shape, Source, State};
use crate::catalog::kv::Kv;
use crate::catalog::models::Recipe;

/// The shape of a model of the catalog; `None` where nobody has read its layers.
#[must_use]
pub fn shape(recipe: &Recipe) -> Option<Shape> {
    let layers = layers(recipe.kv.as_ref()?);
    let active = recipe.active_share();
    Some(Shape {
        files: recipe.weights(),
        resident: recipe.resident(),
        bulk: Shape::bulk(&layers, active),
        layers,
        max_context: recipe.max_context(),
        heads: recipe.heads,
        unspread: Shape::unspread(active),
        source: Source::Recipe,
    })
}

fn layers(kv: &Kv) -> Vec<Layers> {
    match *kv {
        Kv::Gqa { layers, kv_heads, head_dim } => vec![all(layers, kv_heads, head_dim)],
        Kv::Sliding { full_layers, sliding_layers, kv_heads, head_dim, window, sliding_kv_heads } => {
            let heads = sliding_kv_heads.unwrap_or(kv_heads);
            let keeps = Keeps::Window { heads, elements: 2 * head_dim, window };
            vec![all(full_layers, kv_heads, head_dim), of(sliding_layers, keeps)]
        }
        Kv::Gemma4 {
            full_layers,
            sliding_layers,
            kv_heads,
            head_dim,
            global_kv_heads,
            global_head_dim,
            window,
        } => {
            let keeps = Keeps::Window { heads: kv_heads, elements: 2 * head_dim, window };
            vec![all(full_layers, global_kv_heads, global_head_dim), of(sliding_layers, keeps)]
        }
        Kv::Chunked { full_layers, chunked_layers, kv_heads, head_dim, chunk } => {
            let keeps = Keeps::Chunk { heads: kv_heads, elements: 2 * head_dim, chunk };
            vec![all(full_layers, kv_heads, head_dim), of(chunked_layers, keeps)]
        }
        Kv::Latent { layers, latent_dim, indexers, indexer_bytes } => {
            let index = of(indexers, Keeps::Index { bytes: indexer_bytes });
            let latent = of(layers, Keeps::Latent { elements: latent_dim, sparse: indexers > 0 });
            [latent, index].into_iter().filter(|layers| layers.count > 0).collect()
        }
        // measured over the whole model
        Kv::Measured { bytes_per_token, .. } => vec![of(1, Keeps::Measured { bytes: bytes_per_token })],
        Kv::DeltaNet { full_layers, state_layers, kv_heads, head_dim, .. }
        | Kv::Mamba2 { full_layers, state_layers, kv_heads, head_dim, .. } => {
            let state = state(kv).map(|kept| of(state_layers, Keeps::State(kept)));
            std::iter::once(all(full_layers, kv_heads, head_dim)).chain(state).collect()
        }
        Kv::Kda { full_layers, state_layers, latent_dim, .. } => {
            let state = state(kv).map(|kept| of(state_layers, Keeps::State(kept)));
            let latent = of(full_layers, Keeps::Latent { elements: latent_dim, sparse: false });
            std::iter::once(latent).chain(state).collect()
        }
    }
}

fn of(count: u32, keeps: Keeps) -> Layers {
    Layers { count, keeps }
}

fn all(count: u32, heads: u32, head_dim: u32) -> Layers {
    of(count, Keeps::All { heads, elements: 2 * head_dim })
}

/// The state that recurrent layers keep.
fn state(kv: &Kv) -> Option<State> {
    match *kv {
        Kv::DeltaNet { lin_k_heads, lin_v_heads, lin_k_dim, lin_v_dim, conv_kernel, state_bytes, .. } => {
            let (heads, dims) = ([lin_k_heads, lin_v_heads], [lin_k_dim, lin_v_dim]);
            Some(State::delta_net(heads, dims, conv_kernel, state_bytes))
        }
        Kv::Mamba2 { mamba_heads, mamba_head_dim, ssm_state, n_groups, conv_kernel, .. } => {
            // float32 is what Nemotron-H's config.json asks for
            Some(State::mamba2([mamba_heads, mamba_head_dim, ssm_state], n_groups, conv_kernel, 4))
        }
        Kv::Kda { kda_heads, kda_head_dim, .. } => Some(State::kda(kda_heads, kda_head_dim, 4)),
        Kv::Gqa { .. }
        | Kv::Sliding { .. }
        | Kv::Gemma4 { .. }
        | Kv::Chunked { .. }
        | Kv::Latent { .. }
        | Kv::Measured { .. } => None,
    }
}
