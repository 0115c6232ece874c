namespace Sync.ChaosTests.Faults;

/// <summary>All faults, in a fixed order: a plan is drawn from it by a seed.</summary>
internal static class Catalogue
{
    public static IReadOnlyList<Fault> All { get; } =
        [.. ProcessFaults.All, .. PointFaults.All, .. DatabaseFaults.All, .. NetworkFaults.All, .. Deploys.All];

    /// <summary>Those that are also done alone.</summary>
    public static IReadOnlyList<Fault> Singles { get; } = [.. All.Where(fault => fault.IsSingle)];

    /// <summary>The short selection: needs no tools and no privileges.</summary>
    public static IReadOnlyList<Fault> Telling { get; } = [.. All.Where(fault => fault.IsTelling)];

    /// <summary>What the machine lacks for these faults, one line each, with what to do; empty = all is there.</summary>
    public static IReadOnlyList<string> Missing(IEnumerable<Fault> faults)
    {
        var needs = faults.Aggregate(Needs.None, (all, fault) => all | fault.Needs);
        var missing = new List<string>();
        if (needs.HasFlag(Needs.Root) && !Environment.IsPrivilegedProcess) missing.Add("root, to trace Postgres and to mount");
        if (needs.HasFlag(Needs.Strace) && !File.Exists("/usr/bin/strace")) missing.Add("strace (Debian: package strace)");
        if (needs.HasFlag(Needs.FakeTime) && !File.Exists(FakeTime)) missing.Add("libfaketime (Debian: package libfaketime)");
        return missing;
    }

    /// <summary>Where Debian puts libfaketime.</summary>
    public const string FakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
}
