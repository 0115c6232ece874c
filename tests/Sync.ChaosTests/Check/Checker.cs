using Sync.ChaosTests.Clients;
using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>Compares what clients wrote down with the rows of the ledger, read by plain SQL. One for a run: it reads
/// logs and rows on from where the last check ended. START HERE: <see cref="CheckAsync"/>.</summary>
/// <param name="run">The run's folder.</param>
/// <param name="ledger">Connection string of the ledger, past all faults.</param>
/// <param name="hosts">Replica hosts that must converge, past all faults.</param>
internal sealed class Checker(RunFolder run, string ledger, IReadOnlyList<Uri> hosts) : IDisposable
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(100);
    private readonly Logs _logs = new(run);
    private readonly LedgerRows _rows = new(ledger);
    private readonly Hosts _hosts = new(hosts);

    /// <summary>Checks the invariants that hold at any time, and that replicas converge on what was acknowledged
    /// before the last <c>ready</c> of faults.ndjson; waits for that within the bound.</summary>
    /// <param name="convergeWithin">The bound, from the last <c>ready</c>.</param>
    /// <param name="cutOff">Replica readers (<c>replica-1</c>) and hosts (their address) that are cut off on purpose;
    /// null = none.</param>
    /// <param name="isFinal">True when the load has ended: the ledger is read anew, and digests must be equal.</param>
    /// <param name="cancellation">Ends the check early.</param>
    public async Task<Findings> CheckAsync(
        TimeSpan convergeWithin, IReadOnlySet<string>? cutOff = null, bool isFinal = false,
        CancellationToken cancellation = default)
    {
        cutOff ??= new HashSet<string>(StringComparer.Ordinal);
        var findings = new FindingList();
        _logs.ReadOn();
        if (isFinal) await _rows.ReadAllAsync(cancellation);
        var converged = _logs.Ready is { } ready
            ? await ConvergeAsync(ready, convergeWithin, cutOff, findings, cancellation) : null;
        if (isFinal && _logs.Ready is { } end)
            await CompareDigestsAsync(end + Micros(convergeWithin), cutOff, findings, cancellation);
        // The ledger before the logs, which must tell of all that is in it, and after them: it must have all that they
        // tell of.
        await _rows.ReadOnAsync(cancellation);
        _rows.Facts.Settle();
        _logs.ReadOn();
        await _rows.ReadOnAsync(cancellation);
        var counters = new SortedDictionary<string, long>(StringComparer.Ordinal);
        _logs.Check(_rows.Facts, findings, counters);
        _rows.Facts.Check(_rows.Heads, findings);
        (counters["facts"], counters["take-over"]) = (_rows.Facts.Count, _rows.Facts.TakeOvers);
        return new Findings(findings.ToFindings(), converged, counters);
    }

    /// <summary>The time from call to receipt that 99 of 100 acknowledged writes kept between two moments; null = too
    /// few.</summary>
    public TimeSpan? P99(long from, long to)
    {
        _logs.ReadOn();
        return _logs.Writes.P99(from, to);
    }

    public void Dispose() => _hosts.Dispose();

    private async Task<TimeSpan?> ConvergeAsync(
        long ready, TimeSpan within, IReadOnlySet<string> cutOff, FindingList findings, CancellationToken cancellation)
    {
        await _rows.ReadOnAsync(cancellation);
        var wanted = _logs.Writes.AcknowledgedBefore(ready, _rows.Facts.History);
        _logs.Held.Claims.Check(_rows.Facts, _logs.Held, findings);
        _logs.Held.Trim(ready);
        var behind = _hosts.Addresses.Where(host => !cutOff.Contains(host.ToString())).ToList();
        var longest = (Time: TimeSpan.Zero, Who: "");
        while (true)
        {
            var isLast = MachineClock.Now > ready + Micros(within);
            _logs.ReadOn();
            await _rows.ReadOnAsync(cancellation);
            var all = new Convergence(wanted, _rows.Facts, ready);
            all.Look(_logs.Held, cutOff);
            foreach (var host in behind.ToList())
            {
                var asked = MachineClock.Now;
                var held = await _hosts.HeldAsync(host, cancellation);
                // After the answer: the rows then have every delete that it shows as absence.
                await _rows.ReadOnAsync(cancellation);
                var one = new Convergence(wanted, _rows.Facts, ready);
                one.Look(host, held?.ToDictionary(record => record.Key, record => record.Value.Sequence) ?? [], asked);
                if (held is not null) Compare(host, held, findings);
                if (one.IsReached) behind.Remove(host);
                else if (isLast) one.AddMissing(findings);
                if (one.Longest.Time > longest.Time) longest = one.Longest;
            }
            if (all.Longest.Time > longest.Time) longest = all.Longest;
            if (all.IsReached && behind.Count == 0)
            {
                if (longest.Time > within)
                    findings.Add("R6", "readers came to the heads too late",
                        $"{longest.Who}, {longest.Time.TotalSeconds:0.000} s after {ready}");
                return longest.Time;
            }
            if (isLast)
            {
                all.AddMissing(findings);
                return null;
            }
            await Task.Delay(AskEvery, cancellation);
        }
    }

    // Whatever a host serves is a fact of its history.
    private void Compare(
        Uri host, Dictionary<SyncedKey, (long Sequence, ulong Hash, long History)> held, FindingList findings)
    {
        foreach (var (key, (sequence, hash, history)) in held)
            if (history == _rows.Facts.History && _rows.Facts.At(key, sequence)?.Hash != hash)
                findings.Add("R5", "a host serves a value that is no fact",
                    $"{host} {key} sequence {sequence} hash {hash:x16}");
    }

    private async Task CompareDigestsAsync(
        long until, IReadOnlySet<string> cutOff, FindingList findings, CancellationToken cancellation)
    {
        foreach (var vault in Load.Vaults)
        {
            foreach (var collection in new[] { Load.Collection, LoadPlan.Chains, LoadPlan.History })
            {
                var wanted = await _rows.DigestAsync(vault, collection, cancellation);
                foreach (var host in _hosts.Addresses.Where(host => !cutOff.Contains(host.ToString())))
                {
                    (long Count, string Digest)? has;
                    while ((has = await _hosts.DigestAsync(host, vault, collection, cancellation)) != wanted
                        && MachineClock.Now < until)
                        await Task.Delay(AskEvery, cancellation);
                    if (has != wanted) findings.Add(
                        "R6", "a host's digest is not the ledger's", $"{host} {vault}/{collection}: {has}, not {wanted}");
                }
            }
        }
    }

    private static long Micros(TimeSpan time) => (long)time.TotalMicroseconds;
}
