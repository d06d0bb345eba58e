//! Partitions: how policies divide the clients.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use crate::geo::{PolicyView, Table};
use crate::region::RegionId;
use crate::steering::{self, Plan, Policy, Refusal};

/// How one policy divides the clients: all who have the same plan are one part.
#[derive(Debug)]
pub struct Partition {
    pub policy: Policy,
    /// The plan of each part.
    pub plans: Vec<Plan>,
    /// Where the parts lie.
    pub view: Arc<PolicyView>,
}

/// Makes views, and each only once: policies often divide the clients alike, and differ only in where they
/// send them.
pub(super) struct Views<'a> {
    table: &'a Table,
    /// By the part of each class.
    known: HashMap<Vec<u32>, Arc<PolicyView>>,
}

impl<'a> Views<'a> {
    pub(super) fn new(table: &'a Table) -> Self {
        Self { table, known: HashMap::new() }
    }

    fn view(&mut self, parts: Vec<u32>) -> Arc<PolicyView> {
        let known = self.known.entry(parts);
        Arc::clone(known.or_insert_with_key(|parts| Arc::new(PolicyView::new(self.table, parts.clone()))))
    }
}

impl Partition {
    pub(super) fn new(policy: &Policy, views: &mut Views<'_>) -> Self {
        // The removed regions stand in the reasons of a plan, not in what it does: two classes that
        // keep the same regions in the same order are one part whichever rules brought that about.
        let mut numbers: HashMap<(Vec<RegionId>, Option<Refusal>), u32> = HashMap::new();
        let mut plans = Vec::new();
        let parts = views.table.classes().iter().map(|class| {
            let plan = steering::plan(policy, class);
            let refusal = plan.order.is_empty().then_some(plan.refusal);
            *numbers.entry((plan.order.clone(), refusal)).or_insert_with(|| {
                plans.push(plan);
                plans.len() as u32 - 1
            })
        });
        let view = views.view(parts.collect());
        Self { policy: policy.clone(), plans, view }
    }
}
