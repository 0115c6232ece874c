using Shouldly;
using Xunit;

namespace Sync.ChaosTests;

public sealed class MachineClockTests
{
    [Fact]
    public void Time_is_that_of_the_machine_since_its_start()
    {
        var uptime = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        (MachineClock.Now / 1e6).ShouldBe(uptime, 1.0);
    }
}
