//! What a paper that uses the study cites: the program, the data and the methods, in BibTeX.

use crate::experiment::{
    Experiment, LandmarkSource, ModelSpec, SensitivityMethod, Settings, Statistics,
};
use crate::region::Phase;
use crate::report::charts::chart::{Chart, Topic};
use crate::report::findings::Findings;

const SOFTWARE: &str = concat!(
    "@software{fer_lab,\n  title = {fer-lab: which parts of a face carry the signal that a network uses to read \
     an emotion},\n  author = {{The fer-lab authors}},\n  year = {2026},\n  version = {",
    env!("CARGO_PKG_VERSION"),
    "},\n  license = {MIT},\n}"
);
const BARSOUM: &str = "@inproceedings{barsoum2016ferplus,
  author = {Barsoum, Emad and Zhang, Cha and Canton Ferrer, Cristian and Zhang, Zhengyou},
  title = {Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution},
  booktitle = {Proceedings of the 18th ACM International Conference on Multimodal Interaction},
  pages = {279--283},
  year = {2016},
}";
const KARTYNNIK: &str = "@misc{kartynnik2019facemesh,
  author = {Kartynnik, Yury and Ablavatski, Artsiom and Grishchenko, Ivan and Grundmann, Matthias},
  title = {Real-time Facial Surface Geometry from Monocular Video on Mobile {GPU}s},
  year = {2019},
  eprint = {1907.06724},
  archiveprefix = {arXiv},
}";
const LI: &str = "@inproceedings{li2017rafdb,
  author = {Li, Shan and Deng, Weihong and Du, JunPing},
  title = {Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression Recognition in the Wild},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  pages = {2852--2861},
  year = {2017},
}";
const HOOKER: &str = "@inproceedings{hooker2019roar,
  author = {Hooker, Sara and Erhan, Dumitru and Kindermans, Pieter-Jan and Kim, Been},
  title = {A Benchmark for Interpretability Methods in Deep Neural Networks},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {32},
  year = {2019},
}";
const COVERT: &str = "@article{covert2021removing,
  author = {Covert, Ian and Lundberg, Scott and Lee, Su-In},
  title = {Explaining by Removing: A Unified Framework for Model Explanation},
  journal = {Journal of Machine Learning Research},
  volume = {22},
  number = {209},
  pages = {1--90},
  year = {2021},
}";
const JETHANI: &str = "@inproceedings{jethani2022fastshap,
  author = {Jethani, Neil and Sudarshan, Mukund and Covert, Ian and Lee, Su-In and Ranganath, Rajesh},
  title = {{FastSHAP}: Real-Time {Shapley} Value Estimation},
  booktitle = {International Conference on Learning Representations},
  year = {2022},
}";
const ZEILER: &str = "@inproceedings{zeiler2014visualizing,
  author = {Zeiler, Matthew D. and Fergus, Rob},
  title = {Visualizing and Understanding Convolutional Networks},
  booktitle = {Computer Vision -- ECCV 2014},
  pages = {818--833},
  year = {2014},
}";
const PETSIUK: &str = "@inproceedings{petsiuk2018rise,
  author = {Petsiuk, Vitali and Das, Abir and Saenko, Kate},
  title = {{RISE}: Randomized Input Sampling for Explanation of Black-box Models},
  booktitle = {British Machine Vision Conference},
  year = {2018},
}";
const SCHNEIDER: &str = "@inproceedings{schneider2020covariate,
  author = {Schneider, Steffen and Rusak, Evgenia and Eck, Luisa and Bringmann, Oliver and Brendel, Wieland and \
Bethge, Matthias},
  title = {Improving Robustness against Common Corruptions by Covariate Shift Adaptation},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {33},
  year = {2020},
}";
const HOLM: &str = "@article{holm1979simple,
  author = {Holm, Sture},
  title = {A Simple Sequentially Rejective Multiple Test Procedure},
  journal = {Scandinavian Journal of Statistics},
  volume = {6},
  number = {2},
  pages = {65--70},
  year = {1979},
}";
const SMYTH: &str = "@article{smyth2004linear,
  author = {Smyth, Gordon K.},
  title = {Linear Models and Empirical {Bayes} Methods for Assessing Differential Expression in Microarray \
Experiments},
  journal = {Statistical Applications in Genetics and Molecular Biology},
  volume = {3},
  number = {1},
  year = {2004},
}";
const OWEN: &str = "@article{owen2007pigeonhole,
  author = {Owen, Art B.},
  title = {The Pigeonhole Bootstrap},
  journal = {The Annals of Applied Statistics},
  volume = {1},
  number = {2},
  pages = {386--411},
  year = {2007},
}";
const SHAPLEY: &str = "@incollection{shapley1953value,
  author = {Shapley, Lloyd S.},
  title = {A Value for n-Person Games},
  booktitle = {Contributions to the Theory of Games {II}},
  pages = {307--317},
  publisher = {Princeton University Press},
  year = {1953},
}";
const GRABISCH: &str = "@article{grabisch1999interaction,
  author = {Grabisch, Michel and Roubens, Marc},
  title = {An Axiomatic Approach to the Concept of Interaction Among Players in Cooperative Games},
  journal = {International Journal of Game Theory},
  volume = {28},
  number = {4},
  pages = {547--565},
  year = {1999},
}";
const KENDALL: &str = "@article{kendall1939rankings,
  author = {Kendall, M. G. and Babington Smith, B.},
  title = {The Problem of $m$ Rankings},
  journal = {The Annals of Mathematical Statistics},
  volume = {10},
  number = {3},
  pages = {275--287},
  year = {1939},
}";
const HE: &str = "@inproceedings{he2016deep,
  author = {He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian},
  title = {Deep Residual Learning for Image Recognition},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  pages = {770--778},
  year = {2016},
}";
const SANDLER: &str = "@inproceedings{sandler2018mobilenetv2,
  author = {Sandler, Mark and Howard, Andrew and Zhu, Menglong and Zhmoginov, Andrey and Chen, Liang-Chieh},
  title = {{MobileNetV2}: Inverted Residuals and Linear Bottlenecks},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  pages = {4510--4520},
  year = {2018},
}";
const ZHONG: &str = "@inproceedings{zhong2020erasing,
  author = {Zhong, Zhun and Zheng, Liang and Kang, Guoliang and Li, Shaozi and Yang, Yi},
  title = {Random Erasing Data Augmentation},
  booktitle = {Proceedings of the AAAI Conference on Artificial Intelligence},
  volume = {34},
  number = {7},
  pages = {13001--13008},
  year = {2020},
}";
const ZHANG: &str = "@inproceedings{zhang2018mixup,
  author = {Zhang, Hongyi and Cisse, Moustapha and Dauphin, Yann N. and Lopez-Paz, David},
  title = {mixup: Beyond Empirical Risk Minimization},
  booktitle = {International Conference on Learning Representations},
  year = {2018},
}";
const SZEGEDY: &str = "@inproceedings{szegedy2016rethinking,
  author = {Szegedy, Christian and Vanhoucke, Vincent and Ioffe, Sergey and Shlens, Jon and Wojna, Zbigniew},
  title = {Rethinking the Inception Architecture for Computer Vision},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
  pages = {2818--2826},
  year = {2016},
}";
const POLYAK: &str = "@article{polyak1992averaging,
  author = {Polyak, Boris T. and Juditsky, Anatoli B.},
  title = {Acceleration of Stochastic Approximation by Averaging},
  journal = {SIAM Journal on Control and Optimization},
  volume = {30},
  number = {4},
  pages = {838--855},
  year = {1992},
}";
const WEGRZYN: &str = "@article{wegrzyn2017mapping,
  author = {Wegrzyn, Martin and Vogt, Maria and Kireclioglu, Berna and Schneider, Julia and Kissler, Johanna},
  title = {Mapping the Emotional Face. How Individual Face Parts Contribute to Successful Emotion Recognition},
  journal = {PLOS ONE},
  volume = {12},
  number = {5},
  pages = {e0177239},
  year = {2017},
}";

/// The entries for what this study uses, and for nothing else.
pub fn citations(experiment: Option<&Experiment>, findings: &Findings, charts: &[Chart]) -> String {
    let Findings { study, evidence, .. } = findings;
    let runs = &study.runs;
    let of_data = |kind: &str| runs.iter().any(|run| run.dataset == kind);
    let in_phase = |phase: Phase| runs.iter().any(|run| run.phase == Some(phase));
    let maps = |is: fn(&SensitivityMethod) -> bool| {
        experiment.is_some_and(|study| study.sensitivity.iter().any(|spec| is(&spec.method)))
    };
    let methods = || {
        let effects = evidence.effects.iter().map(|row| row.method.as_str());
        let ranking = evidence.ranking.iter().map(|row| row.method.as_str());
        let shapley = evidence.shapley.iter().map(|row| row.method.as_str());
        let agreement = evidence.network_agreement.iter().map(|row| row.method.as_str());
        effects.chain(ranking).chain(shapley).chain(agreement)
    };
    let any_cell = |is: fn(&Settings) -> bool| {
        experiment.is_some_and(|study| study.cells.iter().any(|cell| is(&cell.settings)))
    };
    let amortised = in_phase(Phase::Amortised);
    let adapted = runs.iter().any(|run| run.statistics == Statistics::Adapted);
    let entries = [
        (SOFTWARE, true),
        (BARSOUM, of_data("ferplus")),
        (LI, of_data("rafdb")),
        (KARTYNNIK, any_cell(|of| of.dataset.landmarks == Some(LandmarkSource::Find))),
        (HOOKER, in_phase(Phase::Retrain)),
        (COVERT, amortised),
        (JETHANI, amortised),
        (ZEILER, maps(|method| matches!(method, SensitivityMethod::Window { .. }))),
        // RISE, and the curves that test every map.
        (PETSIUK, maps(|_| true)),
        (SCHNEIDER, adapted),
        (HE, any_cell(|of| matches!(of.model, ModelSpec::Resnet(_)))),
        (SANDLER, any_cell(|of| matches!(of.model, ModelSpec::MobilenetV2(_)))),
        (ZHONG, any_cell(|of| of.train.augment.erasing > 0.0)),
        (ZHANG, any_cell(|of| of.train.mixup > 0.0)),
        (SZEGEDY, any_cell(|of| of.train.label_smoothing > 0.0)),
        (POLYAK, any_cell(|of| of.train.averaging > 0.0)),
        (SHAPLEY, !evidence.shapley.is_empty()),
        (GRABISCH, !evidence.interplay.is_empty()),
        (HOLM, evidence.effects.iter().any(|row| row.p_adjusted.is_some())),
        (SMYTH, methods().any(|method| method.contains("moderated"))),
        (KENDALL, !evidence.network_agreement.is_empty()),
        (OWEN, methods().any(|method| method.contains("pigeonhole"))),
        (WEGRZYN, charts.iter().any(|chart| chart.topic == Topic::Emotions)),
    ];
    let used = entries.into_iter().filter(|(_, used)| *used).map(|(entry, _)| entry);
    used.collect::<Vec<_>>().join("\n\n") + "\n"
}
