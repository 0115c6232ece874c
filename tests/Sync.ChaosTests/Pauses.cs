namespace Sync.ChaosTests;

/// <summary>The time that a fault lasts, and polling with a bound. Nothing here waits for something to have happened by chance.</summary>
internal static class Pauses
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    /// <summary>Lets time pass.</summary>
    public static async Task ForAsync(TimeSpan time, CancellationToken cancellation)
    {
        if (time <= TimeSpan.Zero) return;
        using var timer = new PeriodicTimer(time);
        await timer.WaitForNextTickAsync(cancellation);
    }

    /// <summary>Asks every 20 ms until it is so. False when it was not within <paramref name="within"/>.</summary>
    public static async Task<bool> UntilAsync(Func<Task<bool>> isSo, TimeSpan within, CancellationToken cancellation)
    {
        var start = MachineClock.Now;
        using var timer = new PeriodicTimer(Poll);
        while (!await isSo())
        {
            if (MachineClock.Now - start > within.TotalMicroseconds) return false;
            await timer.WaitForNextTickAsync(cancellation);
        }
        return true;
    }
}
