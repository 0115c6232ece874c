using Shouldly;
using Xunit;

namespace Sync.Simulation;

/// <summary>Virtual time comes to an end.</summary>
public sealed class ScheduleTests
{
    private readonly Schedule _schedule = new(new SimRandom(1));

    [Fact]
    public void What_goes_on_without_time_passing_is_a_violation_and_does_not_hang()
    {
        void Again() => _schedule.After(TimeSpan.Zero, Again);
        _schedule.At(TimeSpan.FromSeconds(3), Again);
        var found = Should.Throw<Violation>(() => _schedule.RunUntil(TimeSpan.FromSeconds(9)));
        (found.Invariant, _schedule.Now, _schedule.Steps)
            .ShouldBe((Invariants.Ends, TimeSpan.FromSeconds(3), Schedule.StepsAtOnceMax + 1));
    }

    [Fact]
    public void As_many_steps_at_once_as_are_allowed_are_none_at_each_point_of_time()
    {
        for (var second = 1; second <= 3; second++)
            for (var step = 0; step < Schedule.StepsAtOnceMax; step++)
                _schedule.At(TimeSpan.FromSeconds(second), static () => { });
        _schedule.RunUntil(TimeSpan.FromSeconds(9));
        (_schedule.Now, _schedule.Steps).ShouldBe((TimeSpan.FromSeconds(9), 3 * Schedule.StepsAtOnceMax));
    }

    [Fact]
    public void A_history_of_too_many_steps_is_a_violation()
    {
        void Again() => _schedule.After(TimeSpan.FromTicks(1), Again);
        Again();
        var found = Should.Throw<Violation>(() => _schedule.RunUntil(TimeSpan.MaxValue));
        (found.Invariant, _schedule.Steps).ShouldBe((Invariants.Ends, Schedule.StepsMax + 1));
    }
}
