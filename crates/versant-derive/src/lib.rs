//! `#[derive(Module)]` for the crate `versant`; see `versant::nn::Module`.

use proc_macro::TokenStream;
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Fields, Index, parse_macro_input};

/// Visits the fields in their order; a field marked `#[module(skip)]` is passed over.
#[proc_macro_derive(Module, attributes(module))]
pub fn derive_module(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(input: &DeriveInput) -> syn::Result<proc_macro2::TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input.ident, "Module can be derived for structs only"));
    };
    let mut visits = Vec::new();
    let mut visits_mut = Vec::new();
    for (i, field) in data.fields.iter().enumerate() {
        if is_skipped(field)? {
            continue;
        }
        let (member, name) = match (&data.fields, &field.ident) {
            (Fields::Named(_), Some(ident)) => (ident.to_token_stream(), ident.to_string()),
            _ => (Index::from(i).to_token_stream(), i.to_string()),
        };
        let name = name.trim_start_matches("r#").to_string();
        visits.push(quote! {
            path.enter(#name, |path| ::versant::nn::Module::visit(&self.#member, path, f));
        });
        visits_mut.push(quote! {
            path.enter(#name, |path| ::versant::nn::Module::visit_mut(&mut self.#member, path, f));
        });
    }
    let ident = &input.ident;
    let (generics, types, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        #[allow(unused_variables)]
        impl #generics ::versant::nn::Module for #ident #types #bounds {
            fn visit(
                &self,
                path: &mut ::versant::nn::Path,
                f: &mut dyn ::core::ops::FnMut(&str, &::versant::Tensor),
            ) {
                #(#visits)*
            }
            fn visit_mut<'visited>(
                &'visited mut self,
                path: &mut ::versant::nn::Path,
                f: &mut dyn ::core::ops::FnMut(&str, &'visited mut ::versant::Tensor),
            ) {
                #(#visits_mut)*
            }
        }
    })
}

fn is_skipped(field: &syn::Field) -> syn::Result<bool> {
    let mut skip = false;
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("module")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("skip") {
                return Err(meta.error("the only option is #[module(skip)]"));
            }
            skip = true;
            Ok(())
        })?;
    }
    Ok(skip)
}
