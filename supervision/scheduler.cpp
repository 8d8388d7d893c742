// SPDX-License-Identifier: Apache-2.0
#include "supervision/scheduler.hpp"

#include "supervision/work_queue.hpp"

#include <caf/all.hpp>
#include <caf/policy/unprofiled.hpp>
#include <caf/scoped_execution_unit.hpp>

#include <set>

// CAF notes for its log which actor a thread runs: a dynamic_cast each turn, for a log that is silent.
#undef CAF_PUSH_AID_FROM_PTR
#define CAF_PUSH_AID_FROM_PTR(actor) static_cast<void>(0)
#include <caf/scheduler/coordinator.hpp>

namespace lyceum::supervision {
namespace {

/// CAF's contract for a policy; see caf/policy/work_sharing.hpp.
class one_queue : public caf::policy::unprofiled {
public:
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}
    work_queue<caf::resumable*> jobs;
  };
  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    d(self).jobs.push(job);
  }
  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    d(self->parent()).jobs.push(job);
  }
  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    d(self->parent()).jobs.push(job);
  }
  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    d(self->parent()).jobs.push(job);
  }
  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    return d(self->parent()).jobs.pop();
  }
  template <class Worker, class UnaryFunction>
  void foreach_resumable(Worker*, UnaryFunction) {}
  template <class Coordinator, class UnaryFunction>
  void foreach_central_resumable(Coordinator* self, UnaryFunction f) {
    for (caf::resumable* job = nullptr; d(self).jobs.try_pop(job);)
      f(job);
  }
};

/// CAF tells its clock's thread of each actor that ends, under a lock and with a wake-up, since the actor may have timeouts. Most
/// have none: those that have are marked here, by a flag of the actor that CAF does not use. Stands before the clock that runs.
class sparing_clock final : public caf::detail::thread_safe_actor_clock {
public:
  explicit sparing_clock(caf::detail::thread_safe_actor_clock& behind) : behind_(behind) {}

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override {
    self->setf(has_timeouts);
    behind_.set_ordinary_timeout(t, self, type, id);
  }
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override {
    self->setf(has_timeouts);
    behind_.set_request_timeout(t, self, id);
  }
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override {
    self->setf(has_timeouts);
    behind_.set_multi_timeout(t, self, type, id);
  }
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override {
    behind_.cancel_ordinary_timeout(self, type);
  }
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override {
    behind_.cancel_request_timeout(self, id);
  }
  void cancel_timeouts(caf::abstract_actor* self) override {
    if (self->getf(has_timeouts))
      behind_.cancel_timeouts(self);
  }
  void schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) override {
    behind_.schedule_message(t, std::move(receiver), std::move(content));
  }
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) override {
    behind_.schedule_message(t, std::move(target), std::move(sender), std::move(content));
  }
  void cancel_all() override { behind_.cancel_all(); }

private:
  static constexpr int has_timeouts = 0x4000;
  caf::detail::thread_safe_actor_clock& behind_;
};

class pool final : public caf::scheduler::coordinator<one_queue> {
public:
  using base = caf::scheduler::coordinator<one_queue>;
  explicit pool(caf::actor_system& on) : base(on), clock_(base::clock()) {}
  caf::detail::thread_safe_actor_clock& clock() noexcept override { return clock_; }
  work_queue<caf::resumable*>& jobs() { return data().jobs; }

private:
  sparing_clock clock_;
};

} // namespace

std::optional<pool_pace> pace_of_pool(caf::actor_system& actors) {
  auto* ours = dynamic_cast<pool*>(&actors.scheduler());
  if (!ours)
    return {};
  const auto now = ours->jobs().now();
  return pool_pace{now.popped, now.waited_for};
}

// As a worker of CAF does (caf/scheduler/worker.hpp).
std::size_t run_from_pool(caf::actor_system& actors, const std::function<bool(caf::resumable*)>& which) {
  auto* ours = dynamic_cast<pool*>(&actors.scheduler());
  std::size_t count = 0;
  caf::scoped_execution_unit here(&actors);
  for (caf::resumable* job = nullptr; ours && ours->jobs().take_if(which, job); ++count)
    if (job->resume(&here, ours->max_throughput()) == caf::resumable::resume_later)
      ours->jobs().push(job);
    else
      caf::intrusive_ptr_release(job);
  return count;
}

void use_pool(caf::actor_system_config& config) {
  config.module_factories.push_back([](caf::actor_system& on) -> caf::actor_system::module* { return new pool(on); });
}

} // namespace lyceum::supervision
