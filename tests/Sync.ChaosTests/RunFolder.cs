using System.Globalization;

namespace Sync.ChaosTests;

/// <summary>
/// The folder of a run: what was done to the system (<see cref="Faults"/>) and what clients saw of it, one append-only
/// file of JSON lines for each process. Every line has <c>t</c>: see <see cref="MachineClock"/>.
/// </summary>
internal sealed record RunFolder(string Path)
{
    /// <summary>A new one in the temp folder. Others may pass through it, not list it: Postgres, which runs as a user of its own,
    /// has its disks in it.</summary>
    public static RunFolder CreateTemporary()
    {
        var folder = Directory.CreateTempSubdirectory("sync-chaos-");
        if (!OperatingSystem.IsWindows()) folder.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return new RunFolder(folder.FullName);
    }

    /// <summary>Injected faults: {t, round, fault, target, phase}; phase is inject, heal or ready.</summary>
    public string Faults => File("faults.ndjson");

    /// <summary>What a raw subscriber of the broker saw.</summary>
    public string Raw => File("raw.ndjson");

    /// <summary>How much memory the services held, each second.</summary>
    public string Memory => File("memory.ndjson");

    /// <summary>While this file exists, load clients begin no write.</summary>
    public string LoadPaused => File("load-paused");

    /// <summary>While this file exists, load clients of the new version write the new schema major.</summary>
    public string NewMajor => File("new-major");

    /// <summary>The log of load client n: invoke, ok, fail, unknown.</summary>
    public string Client(int n) => Numbered("client", n);

    /// <summary>The log of reader n of an event stream.</summary>
    public string Sse(int n) => Numbered("sse", n);

    /// <summary>The log of a reader that samples replica host n.</summary>
    public string Replica(int n) => Numbered("replica", n);

    /// <summary>The log of reader n of the changefeed.</summary>
    public string Feed(int n) => Numbered("feed", n);

    /// <summary>What a process printed.</summary>
    public string Output(string process) => File(process + ".log");

    private string Numbered(string kind, int n) => File(string.Create(CultureInfo.InvariantCulture, $"{kind}-{n}.ndjson"));

    private string File(string name) => System.IO.Path.Combine(Path, name);
}
