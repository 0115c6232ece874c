using System.Text.Json;

namespace Sync.ChaosTests.Faults;

/// <summary>faults.ndjson: what was done to the system, and when. Each line is on its way to the disk when a call returns.</summary>
internal sealed class FaultLog(RunFolder run) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly StreamWriter _file = new(File.Open(run.Faults, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };

    public void Injected(int round, Fault fault) => Write(round, fault.Kind, fault.Target, "inject");

    public void Healed(int round, Fault fault) => Write(round, fault.Kind, fault.Target, "heal");

    /// <summary>Every process answers again.</summary>
    public void Ready(int round) => Write(round, "", "", "ready");

    public void Noted(int round, Fault fault, string note) => Write(round, fault.Kind, fault.Target, "note", note);

    public void Dispose() => _file.Dispose();

    private void Write(int round, string fault, string target, string phase, string? note = null)
    {
        lock (_gate) _file.WriteLine(JsonSerializer.Serialize(new { t = MachineClock.Now, round, fault, target, phase, note }));
    }
}
