using Sync.Integration.Tests.Writer;

namespace Sync.Integration.Tests.Hostile;

/// <summary>What this process holds. Other tests run in it at the same time: what they take for a while is waited for, what is
/// never given back is not.</summary>
internal static class HeldMemory
{
    private const long MoreMax = 128L << 20;

    /// <summary>Bytes that are held now.</summary>
    public static long Now => GC.GetTotalMemory(forceFullCollection: true);

    /// <summary>Waits until at most 128 MiB more are held than before; 30 s is the failure bound.</summary>
    /// <param name="before"><see cref="Now"/> from before.</param>
    public static Task ShouldComeBackToAsync(long before) =>
        WriterUnderTest.UntilAsync(() => Task.FromResult(Now - before < MoreMax));
}
