// SPDX-License-Identifier: Apache-2.0
// What every child has besides its behaviour.
#include "tests/supervision/tree_fixture.hpp"

namespace {

struct life : tree_test {};

// The crash report looked at the message before, which was gone by then: the whole process died of it.
TEST_F(life, a_throw_in_what_it_runs_for_itself_is_a_crash_like_any_other) {
  grow({.strategy = strategy::one_for_one, .intensity = 1000, .period = 30s}, {obeying("a")});
  for (std::uint64_t round = 1; round <= 20; ++round) {
    ASSERT_TRUE(reaches("a", round));
    const auto who = caf::actor_cast<caf::actor>(tree->named("a").handle());
    ASSERT_TRUE(who);
    for (int i = 0; i < 5; ++i)
      caf::anon_send(who, do_it{[](caf::event_based_actor*) {}});
    run_in(who, [] { throw std::runtime_error("in its own time"); });
  }
  ASSERT_TRUE(reaches("a", 21));
  const auto seen = tree->crashes().recent(1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].reason, "in its own time");
  EXPECT_EQ(seen[0].times, 20u);
}

// A message that nobody waits to have answered takes a shorter way to the behaviour. It must lead to the same.
struct plain_message : tree_test {
  struct shelf {
    std::mutex guard;
    std::vector<std::string> seen;
    void put(std::string what) {
      std::lock_guard lock(guard);
      seen.push_back(std::move(what));
    }
    std::string text() {
      std::lock_guard lock(guard);
      std::string all;
      for (const auto& one : seen)
        all += (all.empty() ? "" : " ") + one;
      return all;
    }
  } shelf;

  using body = std::function<caf::behavior(caf::event_based_actor*)>;
  static child one(std::string id, body what) {
    return worker({.id = std::move(id)}, [what](birth& at) { return at.pooled(run, what); });
  }
  void grow_one(body what) { grow({}, {one("a", std::move(what))}); }
  static caf::behavior run(caf::event_based_actor* self, const body& what) { return what(self); }
  template <class T>
  void say(T what) {
    caf::anon_send(caf::actor_cast<caf::actor>(tree->named("a").handle()), std::move(what));
  }
  bool comes(const std::string& text) {
    return eventually([&] { return shelf.text() == text; });
  }
};

TEST_F(plain_message, may_be_skipped_and_is_then_handled_once_in_its_turn) {
  auto open = std::make_shared<bool>(false);
  grow_one([this, open](caf::event_based_actor*) -> caf::behavior {
    return {[this, open](const echo_it& one) -> caf::result<int> {
              if (!*open)
                return caf::skip();
              shelf.put(std::to_string(one.number));
              return 1;
            },
            [this, open](const do_it&) {
              shelf.put("open");
              *open = true;
            }};
  });
  say(echo_it{1});
  say(echo_it{2});
  say(do_it{});
  say(echo_it{3});
  EXPECT_TRUE(comes("open 1 2 3")) << shelf.text();
  EXPECT_TRUE(eventually([&] { return node("a").mailbox == 0; })) << "each is counted once";
}

TEST_F(plain_message, that_no_case_matches_goes_to_the_default_handler_and_cases_may_change_meanwhile) {
  grow_one([this](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler(caf::skip);
    return {[this, self](const do_it&) {
      self->become([this](const echo_it& one) { shelf.put(std::to_string(one.number)); });
      shelf.put("became");
    }};
  });
  say(echo_it{1});
  say(echo_it{2});
  say(do_it{});
  EXPECT_TRUE(comes("became 1 2")) << shelf.text();
}

TEST_F(plain_message, waits_while_its_reader_awaits_an_answer) {
  auto slow = [](caf::event_based_actor* self) -> caf::behavior {
    return {[self](const echo_it& one) {
              auto later = self->make_response_promise<int>();
              self->delayed_send(self, 50ms,
                                 do_it{[later, one](caf::event_based_actor*) mutable { later.deliver(one.number); }});
              return later;
            },
            [self](const do_it& what) { what.what(self); }};
  };
  auto asks = [this](caf::event_based_actor* self) -> caf::behavior {
    return {[this, self](const do_it&) {
              self->request(caf::actor_cast<caf::actor>(tree->named("slow").handle()), caf::infinite, echo_it{7})
                  .await([this](int n) { shelf.put("answer" + std::to_string(n)); });
            },
            [this](const echo_it& one) { shelf.put(std::to_string(one.number)); }};
  };
  grow({}, {one("slow", slow), one("a", asks)});
  say(do_it{});
  say(echo_it{1});
  EXPECT_TRUE(comes("answer7 1")) << shelf.text();
}

TEST_F(plain_message, puts_off_the_timeout_of_its_reader) {
  grow_one([this](caf::event_based_actor* self) -> caf::behavior {
    return {[this](const echo_it& one) { shelf.put(std::to_string(one.number)); },
            caf::after(2s) >>
                [this, self] {
                  shelf.put("quiet");
                  self->become([](const do_it&) {});
                }};
  });
  for (int i = 1; i <= 5; ++i) {
    std::this_thread::sleep_for(20ms);
    say(echo_it{i});
  }
  EXPECT_TRUE(eventually([&] { return shelf.text().ends_with("quiet"); }, 15s)) << shelf.text();
  EXPECT_TRUE(shelf.text().starts_with("1")) << shelf.text();
}

} // namespace
