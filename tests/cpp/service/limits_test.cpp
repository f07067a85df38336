// What bounds callers: rates, and room for postings.
#include <gtest/gtest.h>

#include <thread>

#include "admission.h"
#include "clients.h"

namespace loyalty::service {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RateTest, LetsInWhatASecondAllowsAtOnceThenAsTimePasses) {
  Rate rate(10);
  const Rate::Clock::time_point now;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rate.Take(1, now), std::nullopt) << i;
  EXPECT_EQ(rate.Take(1, now), milliseconds(100));
  EXPECT_EQ(rate.Take(1, now + milliseconds(40)), milliseconds(60));
  EXPECT_EQ(rate.Take(1, now + milliseconds(100)), std::nullopt);
  EXPECT_EQ(rate.Take(10, now + seconds(60)), std::nullopt);
  EXPECT_NE(rate.Take(1, now + seconds(60)), std::nullopt);
}

TEST(RateTest, WhatIsLargerThanASecondAllowsIsPaidForAfterwards) {
  Rate rate(10);
  const Rate::Clock::time_point now;
  EXPECT_EQ(rate.Take(35, now), std::nullopt);
  EXPECT_EQ(rate.Take(1, now), milliseconds(2600));
  EXPECT_EQ(rate.Take(1, now + milliseconds(2600)), std::nullopt);
}

TEST(RateTest, LessThanOneASecond) {
  Rate rate(0.5);
  const Rate::Clock::time_point now;
  EXPECT_EQ(rate.Take(1, now), std::nullopt);
  EXPECT_EQ(rate.Take(1, now), seconds(2));
  EXPECT_EQ(rate.Take(1, now + seconds(2)), std::nullopt);
}

TEST(AdmissionTest, RefusesWhatFindsNoRoomInTime) {
  Admission admission(10);
  const auto soon = [] { return Admission::Clock::now() + milliseconds(20); };
  const Admission::Room most = admission.Enter(8, soon());
  EXPECT_TRUE(most.has_entered());
  EXPECT_FALSE(admission.Enter(3, soon()).has_entered());
  EXPECT_TRUE(admission.Enter(2, soon()).has_entered());  // and leaves at once
  EXPECT_TRUE(admission.Enter(2, soon()).has_entered());
  EXPECT_FALSE(admission.Enter(0, Admission::Clock::now()).has_entered());
}

TEST(AdmissionTest, LetsInWhoWaitsWhenOthersLeave) {
  Admission admission(1);
  std::thread waiting;
  {
    const Admission::Room room = admission.Enter(1, Admission::Clock::now() + seconds(60));
    waiting = std::thread([&] {
      EXPECT_TRUE(admission.Enter(1, Admission::Clock::now() + seconds(60)).has_entered());
    });
    std::this_thread::sleep_for(milliseconds(20));
  }
  waiting.join();
}

}  // namespace
}  // namespace loyalty::service
