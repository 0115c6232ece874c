using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sync.Testing.Nats;

/// <summary>A certificate authority that lives as long as a test: its certificate and those it signs are PEM files of one
/// folder, valid for a day.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly string _folder;
    private readonly X509Certificate2 _certificate;

    /// <summary>Makes the authority and its file.</summary>
    public TestAuthority(string folder, string name = "ca")
    {
        (_folder, File) = (folder, Path.Combine(folder, name + ".pem"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        System.IO.File.WriteAllText(File, _certificate.ExportCertificatePem());
    }

    /// <summary>The authority's own certificate.</summary>
    public string File { get; }

    /// <summary>Signs a new key.</summary>
    /// <param name="name">Common name, and the names of the files.</param>
    /// <param name="address">Of a server: what clients connect to.</param>
    public (string CertFile, string KeyFile) Sign(string name, IPAddress? address = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        if (address is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(address);
            request.CertificateExtensions.Add(names.Build());
        }
        using var certificate = request.Create(
            _certificate, new DateTimeOffset(_certificate.NotBefore), new DateTimeOffset(_certificate.NotAfter),
            RandomNumberGenerator.GetBytes(8));
        var (certFile, keyFile) = (Path.Combine(_folder, name + ".pem"), Path.Combine(_folder, name + "-key.pem"));
        System.IO.File.WriteAllText(certFile, certificate.ExportCertificatePem());
        System.IO.File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certFile, keyFile);
    }

    public void Dispose() => _certificate.Dispose();
}
