using System.Net.Http.Headers;
using Sync.Contracts;

namespace Sync.Client.Internal;

/// <summary>Puts the process's token on each request. A token from a file is looked at again every few seconds, so a new one is
/// used without a restart: issue it, write it to the file, then revoke the old one. Safe from any thread.</summary>
internal sealed class BearerHandler : DelegatingHandler
{
    private const int TokenFileBytesMax = 4096;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private readonly SyncClientOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private volatile AuthenticationHeaderValue _header;
    private long _lookedAt;
    private DateTime _writtenAt;

    /// <exception cref="SyncException">The file cannot be read, or holds no token.</exception>
    private BearerHandler(HttpMessageHandler inner, SyncClientOptions options, TimeProvider time) : base(inner)
    {
        (_options, _time, _lookedAt) = (options, time, time.GetTimestamp());
        if (options.TokenFile is { } file) _writtenAt = File.GetLastWriteTimeUtc(file);
        _header = Header(options.Token ?? ReadFile(options.TokenFile!));
    }

    /// <summary>The handler itself where no token is configured.</summary>
    /// <exception cref="SyncException">The token's file cannot be read, or holds no token.</exception>
    public static HttpMessageHandler Over(HttpMessageHandler inner, SyncClientOptions options, TimeProvider time) =>
        options.Token is null && options.TokenFile is null ? inner : new BearerHandler(inner, options, time);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (_options.TokenFile is { } file && _time.GetElapsedTime(Volatile.Read(ref _lookedAt)) > LookEvery) LookAgain(file);
        request.Headers.Authorization = _header;
        if (_options.Purpose is { } purpose) request.Headers.TryAddWithoutValidation("Sync-Purpose", purpose);
        return base.SendAsync(request, cancellationToken);
    }

    // A file that is away or empty for a moment, as while it is replaced, leaves the token that was read last.
    private void LookAgain(string file)
    {
        lock (_gate)
        {
            if (_time.GetElapsedTime(_lookedAt) <= LookEvery) return;
            Volatile.Write(ref _lookedAt, _time.GetTimestamp());
            try
            {
                var writtenAt = File.GetLastWriteTimeUtc(file);
                if (writtenAt == _writtenAt) return;
                _header = Header(ReadFile(file));
                _writtenAt = writtenAt;
            }
            catch (SyncException)
            {
                // Looked at again later.
            }
        }
    }

    private static AuthenticationHeaderValue Header(string token) => new("Bearer", token);

    private static string ReadFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > TokenFileBytesMax) throw Wrong(path, $"has more than {TokenFileBytesMax} bytes; it must hold a token and nothing else");
            using var reader = new StreamReader(file);
            var text = reader.ReadToEnd().Trim();
            return SyncClientOptions.IsToken(text) ? text : throw Wrong(path, "does not hold a token; sync token create makes one");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Wrong(path, "cannot be read: " + error.Message, error);
        }
    }

    private static SyncException Wrong(string path, string what, Exception? inner = null) =>
        new(SyncErrorCode.Invalid, $"{SyncClientOptions.Section}:TokenFile {path} {what}", inner: inner);
}
