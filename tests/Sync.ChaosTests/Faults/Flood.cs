using System.Globalization;
using System.Text;

namespace Sync.ChaosTests.Faults;

/// <summary>Large writes to a vault that nobody of the crew follows: about a megabyte a second on top of the load.</summary>
internal sealed class Flood : IAsyncDisposable
{
    private const int ValueBytes = 48 * 1024;
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private int _taken;

    public Flood(Uri writer) => _loop = Task.Run(() => WriteAsync(writer));

    /// <summary>Writes that were acknowledged.</summary>
    public int Taken => Volatile.Read(ref _taken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _http.Dispose();
    }

    private async Task WriteAsync(Uri writer)
    {
        var value = $"\"{new string('x', ValueBytes)}\"";
        using var timer = new PeriodicTimer(Every);
        for (var n = 0; await timer.WaitForNextTickAsync(_stop.Token); n = (n + 1) % 100)
        {
            using var body = new StringContent(value, Encoding.UTF8, "application/json");
            var record = new Uri(writer, string.Create(CultureInfo.InvariantCulture, $"/v1/vaults/flood/blob/k{n}"));
            using var answer = await _http.PutAsync(record, body, _stop.Token);
            if (answer.IsSuccessStatusCode) Interlocked.Increment(ref _taken);
        }
    }
}
