using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sync.Nats.Internal;

/// <summary>TLS over a connection that began in clear, as NATS does. The certificate has to be valid for the server's
/// name and signed by the given authorities (or the system's); there is no switch to accept others.</summary>
internal static class Tls
{
    public static async Task<Stream> UpgradeAsync(Stream inner, ServerAddress server, NatsOpts opts,
        CancellationToken cancellationToken)
    {
        var stream = new SslStream(inner, leaveInnerStreamOpen: false);
        try
        {
            await stream.AuthenticateAsClientAsync(Settings(server, opts.Tls ?? new NatsTlsOpts()), cancellationToken)
                .ConfigureAwait(false);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static SslClientAuthenticationOptions Settings(ServerAddress server, NatsTlsOpts tls)
    {
        try
        {
            return new SslClientAuthenticationOptions
            {
                TargetHost = server.TlsName,
                CertificateChainPolicy = tls.CaFile is null ? null : TrustOnly(tls.CaFile),
                ClientCertificates = tls.CertFile is null
                    ? null
                    : [X509Certificate2.CreateFromPemFile(tls.CertFile, tls.KeyFile)],
            };
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new AuthenticationException("A certificate file cannot be used", e);
        }
    }

    private static X509ChainPolicy TrustOnly(string caFile)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.ImportFromPemFile(caFile);
        return policy;
    }
}
