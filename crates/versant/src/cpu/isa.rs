//! Which vector instructions the kernels use, decided once per process (and for a stretch of one thread by
//! [`with_isa`]).
//!
//! An [`Isa`] value is a proof: it can only be made for instructions that this machine has. That is what makes
//! calling a kernel compiled for it sound.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

/// An instruction set that this machine supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Kind);

/// The instruction sets that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Avx2,
    Avx512,
    Neon,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Scalar, Kind::Avx2, Kind::Avx512, Kind::Neon];

    fn name(self) -> &'static str {
        match self {
            Kind::Scalar => "scalar",
            Kind::Avx2 => "avx2",
            Kind::Avx512 => "avx512",
            Kind::Neon => "neon",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_supported(self) -> bool {
        let avx2 = || is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = || {
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
        };
        match self {
            Kind::Scalar => true,
            Kind::Avx2 => avx2(),
            Kind::Avx512 => avx2() && avx512(),
            Kind::Neon => false,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_supported(self) -> bool {
        self == Kind::Scalar || (self == Kind::Neon && cfg!(target_arch = "aarch64"))
    }
}

impl Isa {
    /// Portable code without explicit vector instructions; every machine has it.
    pub const SCALAR: Isa = Isa(Kind::Scalar);

    /// Everything that this machine supports, the best last.
    pub fn supported() -> Vec<Isa> {
        Kind::ALL.into_iter().filter(|kind| kind.is_supported()).map(Isa).collect()
    }

    /// What `VERSANT_ISA` asks for (`scalar`, `avx2`, `avx512` or `neon`), or the best one if it is not set.
    ///
    /// # Errors
    /// A sentence for the user if the value is unknown or this machine lacks the instructions.
    pub fn from_env() -> Result<Isa, String> {
        match std::env::var("VERSANT_ISA") {
            Ok(name) => Isa::named(&name),
            Err(std::env::VarError::NotPresent) => Ok(Isa::best()),
            Err(std::env::VarError::NotUnicode(_)) => Isa::named("?"),
        }
    }

    fn best() -> Isa {
        Isa::supported().last().copied().unwrap_or(Isa::SCALAR)
    }

    fn named(name: &str) -> Result<Isa, String> {
        let supported = Isa::supported();
        if let Some(isa) = supported.iter().find(|isa| isa.name() == name) {
            return Ok(*isa);
        }
        let names: Vec<&str> = supported.iter().map(|isa| isa.name()).collect();
        let names = names.join(", ");
        match Kind::ALL.into_iter().find(|kind| kind.name() == name) {
            Some(_) => {
                Err(format!("VERSANT_ISA={name}: this machine does not support it; choose from {names}"))
            }
            None => Err(format!("VERSANT_ISA={name}: unknown instruction set; choose from {names}")),
        }
    }

    /// The name as `VERSANT_ISA` spells it.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        self.0
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

thread_local! {
    /// What [`with_isa`] has chosen for this thread.
    static CHOSEN: Cell<Option<Isa>> = const { Cell::new(None) };
}

/// The instruction set of this thread's kernels: the one of [`with_isa`], or that of the process,
/// [`Isa::from_env`], read at the first call.
///
/// A kernel asks once, on the thread that calls it, and takes the answer along to the threads that help.
///
/// # Panics
/// If `VERSANT_ISA` cannot be honoured. A program checks [`Isa::from_env`] first to report it as a user's error.
pub fn isa() -> Isa {
    static ISA: OnceLock<Isa> = OnceLock::new();
    CHOSEN
        .get()
        .unwrap_or_else(|| *ISA.get_or_init(|| Isa::from_env().unwrap_or_else(|reason| panic!("{reason}"))))
}

/// Runs `run` with kernels for `isa` on this thread, whatever the process uses: a means for tests and measurements,
/// which compare the instruction sets of one machine with one another.
///
/// ```
/// use versant::Tensor;
/// use versant::cpu::isa::{Isa, with_isa};
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [2]);
/// for each in Isa::supported() {
///     let y = with_isa(each, || x.exp());
///     assert_eq!(y.to_vec::<f32>(), x.exp().to_vec::<f32>());
/// }
/// ```
pub fn with_isa<R>(isa: Isa, run: impl FnOnce() -> R) -> R {
    /// Puts the former choice back, also when `run` panics.
    struct Restore(Option<Isa>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CHOSEN.set(self.0);
        }
    }
    let _restore = Restore(CHOSEN.replace(Some(isa)));
    run()
}

/// Compiles a function of plain loops once for each instruction set and calls the one that its first argument
/// `isa` names. Generic parameters stand in square brackets: `fn double[T: Copy](x: &mut [T]) { .. }`.
/// Whatever the body calls must be `#[inline(always)]` or small enough to be inlined: code that stays outside
/// is compiled for the baseline processor.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident [$($generics:tt)*]
     ($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name<$($generics)*>(isa: $crate::cpu::isa::Isa, $($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn body<$($generics)*>($($arg: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512<$($generics)*>($($arg: $type),*) $(-> $out)? {
                body($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$($generics)*>($($arg: $type),*) $(-> $out)? {
                body($($arg),*)
            }

            match isa.kind() {
                // SAFETY: an `Isa` exists only for instructions that this machine has.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::isa::Kind::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::cpu::isa::Kind::Avx2 => unsafe { avx2($($arg),*) },
                _ => body($($arg),*),
            }
        }
    };
}
pub(crate) use multiversion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_supported_name_is_accepted() {
        for isa in Isa::supported() {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        assert_eq!(Isa::supported()[0], Isa::SCALAR);
    }

    #[test]
    fn errors_name_the_value_and_the_choices() {
        let unknown = Isa::named("sse9").unwrap_err();
        assert!(unknown.contains("sse9") && unknown.contains("unknown") && unknown.contains("scalar"));
        let absent = if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" };
        let absent = Isa::named(absent).unwrap_err();
        assert!(absent.contains("does not support") && absent.contains("scalar"));
    }

    #[test]
    fn a_choice_holds_for_one_thread_and_ends_with_its_stretch() {
        let usual = isa();
        for chosen in Isa::supported() {
            with_isa(chosen, || {
                assert_eq!(isa(), chosen);
                with_isa(Isa::SCALAR, || assert_eq!(isa(), Isa::SCALAR));
                assert_eq!(isa(), chosen);
                assert_eq!(std::thread::spawn(isa).join().unwrap(), usual);
            });
            assert!(std::panic::catch_unwind(|| with_isa(chosen, || panic!("on purpose"))).is_err());
            assert_eq!(isa(), usual);
        }
    }

    multiversion! {
        fn add_all[T: Copy + std::ops::AddAssign](x: &mut [T], y: T) -> usize {
            for v in x.iter_mut() {
                *v += y;
            }
            x.len()
        }
    }

    #[test]
    fn every_version_computes_the_same() {
        for isa in Isa::supported() {
            let mut x: Vec<f32> = (0..37).map(|i| i as f32).collect();
            assert_eq!(add_all(isa, &mut x, 0.5), 37);
            assert!(x.iter().enumerate().all(|(i, &v)| v == i as f32 + 0.5));
        }
    }
}
