//! The config that a session gives away: that with which it began, and the matrices that were frozen since.

use qkv_model::{Projection, Projections, parameters_where};
use qkv_run::PROJECTIONS_KEY;
use qkv_run::tensor_names::WATCHED;
use serde_json::Value;

use crate::session::Session;

impl Session {
    /// The config in TOML, with every value filled in: `qkv train` repeats the run with it. A matrix that was frozen by
    /// hand in all layers is frozen in it, from the first step on. One that was so in some of them is named in a comment,
    /// because no config can say it.
    ///
    /// ```
    /// use qkv_web::{Edit, Place, Session};
    ///
    /// let mut session = Session::of_task("letters", &[] as &[&str])?;
    /// assert!(session.config().contains("projections = \"learned\""));
    /// let place = Place { layer: 0, head: 0, matrix: "w_k".to_owned() };
    /// session.edit(&Edit::Freeze { place, frozen: true })?;
    /// assert!(session.config().contains("w_k = \"frozen\""));
    /// # Ok::<(), qkv_web::WebError>(())
    /// ```
    pub fn config(&self) -> String {
        let mut config = self.experiment.config.clone();
        let projections = config.model.settings.get("projections").filter(|_| !self.frozen.is_empty());
        let projections =
            projections.and_then(|written| serde_json::from_value::<Projections>(written.clone()).ok());
        let Some(mut projections) = projections else { return config.to_toml() };
        let mut comments = String::new();
        let Projections { w_q, w_k, w_v } = &mut projections;
        for (name, projection) in WATCHED.into_iter().zip([w_q, w_k, w_v]) {
            let of_layers = parameters_where(&self.state.model, |path| path.rsplit('.').next() == Some(name));
            let (frozen, others): (Vec<_>, Vec<_>) =
                of_layers.into_iter().map(|parameter| parameter.path).partition(|path| self.frozen.has(path));
            if others.is_empty() && !frozen.is_empty() {
                *projection = Projection::Frozen;
                continue;
            }
            for path in frozen {
                comments += &format!(
                    "# {path} was frozen by hand; {PROJECTIONS_KEY}.{name} would freeze that of all layers.\n"
                );
            }
        }
        let projections = serde_json::to_value(projections).unwrap_or(Value::Null);
        config.model.settings.insert("projections".to_owned(), projections);
        comments + &config.to_toml()
    }
}
